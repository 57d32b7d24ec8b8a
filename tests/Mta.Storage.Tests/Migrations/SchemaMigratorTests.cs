using Mta.Storage.Migrations;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Migrations;

public sealed class SchemaMigratorTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Empty_database_gets_the_schema_and_a_second_run_changes_nothing()
    {
        await using var database = await TestDatabase.CreateEmptyAsync();
        var first = await new SchemaMigrator(database.ConnectionString).MigrateAsync(Cancel);
        var second = await new SchemaMigrator(database.ConnectionString).MigrateAsync(Cancel);

        first.Version.ShouldBe(SqlScripts.NewestVersion);
        first.SeparateRoles.ShouldBeTrue();
        second.ShouldBe(first);
        (await ScalarAsync(database, "SELECT count(*) FROM mta.schema_version")).ShouldBe((long)SqlScripts.Migrations.Count);
        (await ScalarAsync(database, "SELECT tableowner::text FROM pg_tables WHERE schemaname = 'mta' AND tablename = 'schema_compatibility'")).ShouldBe("mta_owner");
    }

    [Fact]
    public async Task Several_nodes_may_migrate_at_once_in_several_databases()
    {
        await using var one = await TestDatabase.CreateEmptyAsync();
        await using var other = await TestDatabase.CreateEmptyAsync();
        var states = await Task.WhenAll(Enumerable.Range(0, 8)
            .Select(i => Task.Run(() => new SchemaMigrator((i % 2 == 0 ? one : other).ConnectionString).MigrateAsync(Cancel))));

        states.ShouldAllBe(s => s.SeparateRoles && s.Version == SqlScripts.NewestVersion);
        (await ScalarAsync(one, "SELECT count(*) FROM mta.schema_version")).ShouldBe((long)SqlScripts.Migrations.Count);
    }

    [Fact]
    public async Task Schema_that_needs_a_newer_program_is_refused()
    {
        await using var database = await TestDatabase.CreateAsync();
        await ScalarAsync(database, "UPDATE mta.schema_compatibility SET oldest_program = '9.8.7'");

        var refusal = await Should.ThrowAsync<StorageException>(() => new SchemaMigrator(database.ConnectionString).MigrateAsync(Cancel));

        refusal.Failure.ShouldBe(StorageFailure.Fatal);
        refusal.Message.ShouldContain("needs a program of version 9.8.7 or later");
    }

    [Fact]
    public async Task Newer_schema_that_lets_this_program_run_is_used_as_it_is()
    {
        await using var database = await TestDatabase.CreateAsync();
        await ScalarAsync(database, "INSERT INTO mta.schema_version (version, applied_at, file) VALUES (900000, now(), 'later.sql')");

        var state = await new SchemaMigrator(database.ConnectionString).MigrateAsync(Cancel);

        state.Version.ShouldBe(900000);
    }

    [Fact]
    public async Task Login_that_may_not_make_roles_gets_one_role_for_all_and_the_sql_for_an_administrator()
    {
        await using var database = await TestDatabase.CreateEmptyAsync();
        var login = database.Name + "_login";
        await ScalarAsync(database, $"CREATE ROLE {login} LOGIN PASSWORD 'x'; GRANT CREATE ON DATABASE {database.Name} TO {login}");
        var connectionString = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Username = login, Password = "x" }.ConnectionString;
        var warnings = new List<string>();

        var state = await new SchemaMigrator(connectionString, warnings.Add).MigrateAsync(Cancel);

        state.ShouldBe(new SchemaState(SqlScripts.NewestVersion, SeparateRoles: false));
        warnings.ShouldHaveSingleItem().ShouldContain($"GRANT mta_owner, mta_daemon, mta_submit TO \"{login}\";");
        await ScalarAsync(database, $"DROP OWNED BY {login}; DROP ROLE {login}");
    }

    private static async Task<object?> ScalarAsync(TestDatabase database, string sql)
    {
        await using var command = database.DataSource.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancel);
    }
}
