using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Migrations;

/// <summary>
/// Makes the cluster's roles once. Roles belong to the whole cluster while advisory locks belong to one database, so installations in
/// two databases may race here: whoever comes second finds the role made, or tries again.
/// </summary>
internal static class RoleSetup
{
    private const int Attempts = 20;

    /// <summary>What an administrator runs where the login role may not do it.</summary>
    public static string AdministratorSql(string login) =>
        string.Concat(DatabaseRoles.All.Select(r => $"CREATE ROLE {r}; ")) + $"GRANT mta_owner, mta_daemon, mta_submit TO {Quote(login)};";

    /// <summary>True when all roles exist and the login role may work as owner, daemon and submit.</summary>
    public static async Task<bool> EnsureAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (await AreUsableAsync(connection, cancellationToken).ConfigureAwait(false))
                {
                    return true;
                }

                if (!await MayCreateRolesAsync(connection, cancellationToken).ConfigureAwait(false))
                {
                    return false;
                }

                await CreateAsync(connection, cancellationToken).ConfigureAwait(false);
                return await AreUsableAsync(connection, cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException e) when (attempt < Attempts && IsRace(e))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(5, 50)), cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            {
                return false;
            }
        }
    }

    public static async Task<bool> AreUsableAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        const string sql = """
            SELECT count(*) = 5 AND coalesce(bool_and(pg_has_role(oid, 'MEMBER') OR rolname IN ('mta_admin', 'mta_report')), false)
            FROM pg_roles WHERE rolname = ANY ($1)
            """;
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new() { Value = DatabaseRoles.All } } };
        return (bool)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    private static async Task<bool> MayCreateRolesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user", connection);
        return (bool)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    private static async Task CreateAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var existing = new NpgsqlCommand("SELECT coalesce(array_agg(rolname::text), '{}') FROM pg_roles WHERE rolname = ANY ($1)", connection)
        {
            Parameters = { new() { Value = DatabaseRoles.All } },
        };
        var present = (string[])(await existing.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
        foreach (var role in DatabaseRoles.All.Except(present))
        {
            await using var create = new NpgsqlCommand($"CREATE ROLE {role}", connection);
            await create.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }

        if (!present.Contains("mta_report"))
        {
            // A report that nobody waits for any more must not hold its snapshot for ever. Logins that are members set their own.
            await using var limit = new NpgsqlCommand("ALTER ROLE mta_report SET statement_timeout = '10min'", connection);
            await limit.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }

        await using var grant = new NpgsqlCommand("GRANT mta_owner, mta_daemon, mta_submit TO CURRENT_USER", connection);
        await grant.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    // XX000 is "tuple concurrently updated", which two GRANTs of the same role give.
    private static bool IsRace(PostgresException e) =>
        e.SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DuplicateObject or PostgresErrorCodes.InternalError;

    private static string Quote(string identifier) => "\"" + identifier.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";
}
