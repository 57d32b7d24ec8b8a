using Mta.Storage.Connections;
using Mta.Storage.Nodes;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Connections;

public sealed class DatabaseTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Services_work_as_the_daemon_role_also_on_a_connection_that_was_returned()
    {
        await using var test = await TestDatabase.CreateAsync();
        var database = Database.Connect(test.ConnectionString);
        await database.MigrateAsync(null, Cancel);
        await using var source = database.CreateDataSource(DatabaseRole.Daemon, "test", 1);

        for (var round = 0; round < 3; round++)
        {
            await using var connection = await source.OpenConnectionAsync(Cancel);
            await using var command = new NpgsqlCommand("SELECT current_user || ' ' || current_setting('application_name')", connection);
            (await command.ExecuteScalarAsync(Cancel)).ShouldBe("mta_daemon mta test");
        }
    }

    [Theory]
    [InlineData("Host=db.test", true)]
    [InlineData("Host=/var/run/postgresql", false)]
    public async Task Over_tcp_the_server_notices_that_a_node_has_vanished(string connectionString, bool expected)
    {
        await using var source = Database.Connect(connectionString + ";Options=-c tcp_user_timeout=7").CreateDataSource(DatabaseRole.Daemon, "test", 1);

        // The last one counts: what the URL says.
        source.ConnectionString.Contains("-c tcp_keepalives_idle=10 ", StringComparison.Ordinal).ShouldBe(expected);
        source.ConnectionString.ShouldContain("-c tcp_user_timeout=7");
        source.ConnectionString.LastIndexOf("tcp_user_timeout=", StringComparison.Ordinal).ShouldBe(source.ConnectionString.IndexOf("tcp_user_timeout=7", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Daemon_may_not_change_the_schema_and_submit_may_not_read_it()
    {
        await using var test = await TestDatabase.CreateAsync();
        var database = Database.Connect(test.ConnectionString);
        (await database.ReadSchemaAsync(Cancel)).SeparateRoles.ShouldBeTrue();
        await using var daemon = database.CreateDataSource(DatabaseRole.Daemon, "test", 1);
        await using var submit = database.CreateDataSource(DatabaseRole.Submit, "test", 1);

        (await RefusalAsync(daemon, "CREATE TABLE mta.x (y int)")).ShouldBe(PostgresErrorCodes.InsufficientPrivilege);
        (await RefusalAsync(daemon, "UPDATE mta.schema_compatibility SET oldest_program = '1.0.0'")).ShouldBe(PostgresErrorCodes.InsufficientPrivilege);
        (await RefusalAsync(submit, "SELECT * FROM mta.message_content")).ShouldBeOneOf(PostgresErrorCodes.InsufficientPrivilege, PostgresErrorCodes.UndefinedTable);
    }

    [Fact]
    public async Task Of_several_hosts_one_that_answers_is_used_for_migrations_too()
    {
        await using var test = await TestDatabase.CreateEmptyAsync();
        var login = new NpgsqlConnectionStringBuilder(test.ConnectionString);
        login.Host = $"/nonexistent:1,{login.Host}:{login.Port}";
        DatabaseUrl.TryParse(login.ConnectionString, out var url, out var problem).ShouldBeTrue(problem);

        var database = Database.Connect(url!);
        (await database.MigrateAsync(null, Cancel)).Version.ShouldBeGreaterThan(0);
        await using var source = database.CreateDataSource(DatabaseRole.Daemon, "test", 2);
        await using var connection = await source.OpenConnectionAsync(Cancel);
    }

    [Fact]
    public async Task A_socket_where_no_server_listens_is_called_that()
    {
        await using var source = NpgsqlDataSource.Create("Host=/nonexistent;Port=1");
        var refusal = await Should.ThrowAsync<StorageException>(async () => await new NodeRegistry(source).EndAsync(new NodeEpoch("node", 1, 16, 0), Cancel));
        refusal.Message.ShouldBe("database: Failed to connect to /nonexistent/.s.PGSQL.1: no server listens there (is it running, and is this its directory of sockets?)");
    }

    private static async Task<string?> RefusalAsync(DatabasePool source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        return (await Should.ThrowAsync<PostgresException>(() => command.ExecuteNonQueryAsync(Cancel))).SqlState;
    }
}
