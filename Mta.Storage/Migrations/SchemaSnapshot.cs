using Npgsql;

namespace Mta.Storage.Migrations;

/// <summary>What the database says about its schema and about the role that looks at it.</summary>
internal sealed record SchemaSnapshot(string Login, string? Owner, long Version, string? OldestProgram, string? GrantsApplied, bool RolesUsable)
{
    /// <summary>Nothing to do: a newer schema that lets this program run counts as well.</summary>
    public bool IsCurrent =>
        Version > SqlScripts.NewestVersion
        || (Version == SqlScripts.NewestVersion && (!RolesUsable || GrantsApplied == SqlScripts.GrantsFingerprint));

    public static async Task<SchemaSnapshot> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var usable = await RoleSetup.AreUsableAsync(connection, cancellationToken).ConfigureAwait(false);
        const string sql = """
            SELECT current_user::text,
                (SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = 'mta'),
                to_regclass('mta.schema_version') IS NOT NULL AND to_regclass('mta.schema_compatibility') IS NOT NULL
            """;
        string login;
        string? owner;
        bool exists;
        await using (var command = new NpgsqlCommand(sql, connection))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false))
        {
            await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            login = reader.GetString(0);
            owner = reader.IsDBNull(1) ? null : reader.GetString(1);
            exists = reader.GetBoolean(2);
        }

        if (!exists)
        {
            return new SchemaSnapshot(login, owner, 0, null, null, usable);
        }

        const string state = "SELECT (SELECT coalesce(max(version), 0) FROM mta.schema_version), oldest_program, grants_applied FROM mta.schema_compatibility";
        await using (var command = new NpgsqlCommand(state, connection))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false))
        {
            await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            return new SchemaSnapshot(login, owner, reader.GetInt64(0), reader.GetString(1), reader.GetString(2), usable);
        }
    }
}
