using System.Reflection;
using FluentMigrator.Runner;
using FluentMigrator.Runner.VersionTableInfo;
using Microsoft.Extensions.DependencyInjection;
using Mta.Storage.Configuration;
using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Migrations;

/// <summary>The schema as a program found or made it.</summary>
/// <param name="Version">The number of the newest migration that was applied.</param>
/// <param name="SeparateRoles">False: the roles could not be made, and everything runs under the login role.</param>
public sealed record SchemaState(long Version, bool SeparateRoles);

/// <summary>
/// Brings the schema to this program's version. Several nodes may do so at once: one works, under an advisory lock that is held by
/// a transaction (a pooler between us and PostgreSQL may give each transaction another backend), the others wait and find it done.
/// </summary>
/// <param name="connectionString">An Npgsql connection string of the role that the URL logs in as.</param>
/// <param name="warn">Takes what an administrator should know.</param>
/// <param name="program">This program's version; null means that of the assembly.</param>
/// <param name="target">Which of several hosts to use.</param>
public sealed class SchemaMigrator(
    string connectionString, Action<string>? warn = null, Version? program = null, TargetSessionAttributes? target = null)
{
    // "mta" and "schema" in ASCII; any number will do that nobody else takes.
    private const long LockKey = 0x6d74_6173_6368_656d;

    private readonly Version program = program ?? Assembly.GetExecutingAssembly().GetName().Version!;

    /// <summary>Migrates, applies grants and checks that this program may run. Throws <see cref="StorageException"/>.</summary>
    public async Task<SchemaState> MigrateAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var source = CreateSource();
            await using var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await PoolerCheck.RefusePoolerAsync(connection, cancellationToken).ConfigureAwait(false);
            var schema = await SchemaSnapshot.ReadAsync(connection, cancellationToken).ConfigureAwait(false);
            if (!schema.IsCurrent)
            {
                schema = await MigrateUnderLockAsync(source, connection, cancellationToken).ConfigureAwait(false);
            }

            Check(schema);
            await ParameterDefinitions.ApplyAsync(connection, schema.Owner == schema.Login ? null : schema.Owner, program, cancellationToken).ConfigureAwait(false);
            if (!schema.RolesUsable && schema.GrantsApplied is null or "")
            {
                warn?.Invoke($"database role \"{schema.Login}\" may not make the roles of the schema; everything runs as this one role. "
                    + $"An administrator can change that with: {RoleSetup.AdministratorSql(schema.Login)}");
            }

            return new SchemaState(schema.Version, schema.RolesUsable && schema.GrantsApplied == SqlScripts.GrantsFingerprint);
        }
        catch (Exception e) when (Reason(e) is NpgsqlException reason)
        {
            throw new StorageException(
                reason is PostgresException { IsTransient: false } ? StorageFailure.Fatal : StorageFailure.Retry, $"database schema: {reason.Message}", e);
        }
    }

    /// <summary>Looks only; for commands, which run beside a daemon that has migrated. Throws when the schema is missing or too new.</summary>
    public async Task<SchemaState> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var source = CreateSource();
            await using var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await PoolerCheck.RefusePoolerAsync(connection, cancellationToken).ConfigureAwait(false);
            var schema = await SchemaSnapshot.ReadAsync(connection, cancellationToken).ConfigureAwait(false);
            Check(schema);
            return new SchemaState(schema.Version, schema.RolesUsable && schema.GrantsApplied is not (null or ""));
        }
        catch (NpgsqlException e)
        {
            throw new StorageException(
                e is PostgresException { IsTransient: false } ? StorageFailure.Fatal : StorageFailure.Retry, $"database: {e.Message}", e);
        }
    }

    private NpgsqlDataSource CreateSource()
    {
        var builder = new NpgsqlDataSourceBuilder(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        return target is { } attributes ? builder.BuildMultiHost().WithTargetSession(attributes) : builder.Build();
    }

    private async Task<SchemaSnapshot> MigrateUnderLockAsync(NpgsqlDataSource source, NpgsqlConnection work, CancellationToken cancellationToken)
    {
        await using var holder = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var transaction = await holder.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await ExecuteAsync(holder, "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0", cancellationToken).ConfigureAwait(false);
        await using (var take = new NpgsqlCommand("SELECT pg_advisory_xact_lock($1)", holder) { CommandTimeout = 0, Parameters = { new() { Value = LockKey } } })
        {
            await take.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }

        var separate = await RoleSetup.EnsureAsync(work, cancellationToken).ConfigureAwait(false);
        var schema = await SchemaSnapshot.ReadAsync(work, cancellationToken).ConfigureAwait(false);
        Check(schema);
        if (schema.Owner is null)
        {
            var owner = separate ? " AUTHORIZATION mta_owner" : "";
            await ExecuteAsync(work, $"CREATE SCHEMA mta{owner}; CREATE SCHEMA mta_store{owner}", cancellationToken).ConfigureAwait(false);
            schema = await SchemaSnapshot.ReadAsync(work, cancellationToken).ConfigureAwait(false);
        }

        if (schema.Version < SqlScripts.NewestVersion)
        {
            RunMigrations(schema, work);
        }

        if (separate)
        {
            await ApplyGrantsAsync(work, schema, cancellationToken).ConfigureAwait(false);
        }

        return await SchemaSnapshot.ReadAsync(work, cancellationToken).ConfigureAwait(false);
    }

    private void Check(SchemaSnapshot schema)
    {
        if (schema.OldestProgram is { } oldest && Version.Parse(oldest) > program)
        {
            throw new StorageException(
                StorageFailure.Fatal,
                $"the database schema (version {schema.Version}) needs a program of version {oldest} or later; this is {program.ToString(3)}");
        }
    }

    private void RunMigrations(SchemaSnapshot schema, NpgsqlConnection work)
    {
        // The server that the lock is held on, whichever of several hosts that is.
        var builder = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, CommandTimeout = 0, Host = work.Host, Port = work.Port };
        if (schema.Owner != schema.Login)
        {
            builder.Options = $"{builder.Options} -c role={schema.Owner}".Trim();
        }

        using var services = new ServiceCollection()
            .AddFluentMigratorCore()
            .ConfigureRunner(r => r.AddPostgres().WithGlobalConnectionString(builder.ConnectionString).WithGlobalCommandTimeout(TimeSpan.FromHours(24)))
            .AddScoped<IVersionTableMetaData, VersionTable>()
            .AddScoped<IMigrationInformationLoader, SqlFileMigrationLoader>()
            .BuildServiceProvider(validateScopes: false);
        using var scope = services.CreateScope();
        scope.ServiceProvider.GetRequiredService<IMigrationRunner>().MigrateUp();
    }

    // FluentMigrator wraps what PostgreSQL said together with the whole SQL text; the reason is enough.
    private static Exception Reason(Exception e) => e.InnerException is NpgsqlException inner ? inner : e;

    private static async Task ApplyGrantsAsync(NpgsqlConnection connection, SchemaSnapshot schema, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        if (schema.Owner != schema.Login)
        {
            await ExecuteAsync(connection, $"SET LOCAL ROLE \"{schema.Owner}\"", cancellationToken).ConfigureAwait(false);
        }

        foreach (var script in SqlScripts.Grants)
        {
            await ExecuteAsync(connection, script.Text, cancellationToken).ConfigureAwait(false);
        }

        await using var note = new NpgsqlCommand("UPDATE mta.schema_compatibility SET grants_applied = $1", connection)
        {
            Parameters = { new() { Value = SqlScripts.GrantsFingerprint } },
        };
        await note.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }
}
