using System.Diagnostics;
using Mta.Storage.Connections;
using Mta.Storage.Nodes;
using Mta.Storage.Tests.Queue;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Nodes;

public sealed class TakeOverTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_node_frozen_in_the_middle_of_a_transaction_does_not_hold_up_the_end_of_its_epoch()
    {
        await using var queue = await QueueFixture.CreateAsync();
        (await queue.Accept.StoreAsync(queue.Message())).Outcome.ShouldBe(Mta.Storage.Queue.AcceptOutcome.Stored);
        await using var frozen = await queue.Source.OpenConnectionAsync(Cancel);
        await using var transaction = await frozen.BeginTransactionAsync(Cancel);
        await using var hold = new NpgsqlCommand($"SELECT 1 FROM mta_store.live_epoch WHERE node = '{queue.Epoch.Name}' FOR KEY SHARE", frozen);
        await hold.ExecuteScalarAsync(Cancel);

        var since = Stopwatch.GetTimestamp();
        (await new NodeRegistry(queue.Source).EndAsync(queue.Epoch, Cancel).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Cancel)).ShouldBeTrue();

        Stopwatch.GetElapsedTime(since).ShouldBeLessThan(TimeSpan.FromSeconds(10));
        (await queue.CountAsync("incoming")).ShouldBe(1);
        await Should.ThrowAsync<NpgsqlException>(() => hold.ExecuteScalarAsync(Cancel));
    }

    [Fact]
    public async Task A_login_without_rights_over_the_server_may_end_frozen_sessions_of_its_own()
    {
        await using var database = await TestDatabase.CreateEmptyAsync();
        var login = database.Name + "_login";
        await ExecuteAsync($"CREATE ROLE {login} LOGIN PASSWORD 'x'; GRANT mta_owner, mta_daemon, mta_submit TO {login}; GRANT CREATE ON DATABASE {database.Name} TO mta_owner, {login}");
        try
        {
            var mta = Database.Connect(new NpgsqlConnectionStringBuilder(database.ConnectionString) { Username = login, Password = "x", Pooling = false }.ConnectionString);
            (await mta.MigrateAsync(null, Cancel)).SeparateRoles.ShouldBeTrue();
            await using var source = mta.CreateDataSource(DatabaseRole.Daemon, "test", 5);
            await using var control = mta.CreateDataSource(DatabaseRole.Login, "takeover", 1);
            var nodes = new NodeRegistry(source, control);
            var epoch = (await nodes.BeginAsync(QueueFixture.Identity, TimeSpan.FromMinutes(1), Cancel))!;
            await using var frozen = await source.OpenConnectionAsync(Cancel);
            await using var transaction = await frozen.BeginTransactionAsync(Cancel);
            await using var hold = new NpgsqlCommand("SELECT current_user::text || count(*) FROM (SELECT FROM mta_store.live_epoch FOR KEY SHARE) n", frozen);
            (await hold.ExecuteScalarAsync(Cancel)).ShouldBe("mta_daemon1");

            (await nodes.EndAsync(epoch, Cancel).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Cancel)).ShouldBeTrue();
        }
        finally
        {
            await ExecuteAsync($"DROP OWNED BY {login}; DROP ROLE {login}");
        }

        async Task ExecuteAsync(string sql)
        {
            await using var command = database.DataSource.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(Cancel);
        }
    }

    [Theory]
    [InlineData("mta accept", "SELECT count(pg_sleep(2))::int FROM alive")] // works, or waits for disk or standby
    [InlineData("psql", "SELECT 1 FROM alive")] // somebody's transaction
    public async Task A_session_that_does_not_wait_for_a_client_of_ours_is_left_alone(string application, string statement)
    {
        await using var queue = await QueueFixture.CreateAsync();
        await using var other = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(queue.Source.ConnectionString) { ApplicationName = application });
        await using var session = await other.OpenConnectionAsync(Cancel);
        await using var transaction = await session.BeginTransactionAsync(Cancel);
        await using var command = new NpgsqlCommand(
            $"WITH alive AS MATERIALIZED (SELECT 1 FROM mta_store.live_epoch WHERE node = '{queue.Epoch.Name}' FOR KEY SHARE) {statement}", session);
        var working = command.ExecuteScalarAsync(Cancel);
        await UntilAsync($"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '{application}' AND query LIKE 'WITH alive%' AND wait_event IN ('PgSleep', 'ClientRead'))");

        var ending = new NodeRegistry(queue.Source).EndAsync(queue.Epoch, Cancel).AsTask();
        await UntilAsync("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'SELECT mta.end_epoch%')");
        var waiting = await queue.ScalarAsync<int>("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'SELECT mta.end_epoch%'");
        await using var end = queue.Source.CreateCommand(NodeSql.EndFrozen);
        end.Parameters.AddWithValue(waiting);
        end.Parameters.AddWithValue(0d);
        (await end.ExecuteScalarAsync(Cancel)).ShouldBeNull();

        (await working).ShouldBe(1);
        await transaction.CommitAsync(Cancel);
        (await ending).ShouldBeTrue();

        async Task UntilAsync(string sql)
        {
            while (!await queue.ScalarAsync<bool>(sql))
            {
                Cancel.ThrowIfCancellationRequested();
            }
        }
    }

    [Fact]
    public async Task Heartbeats_leave_no_versions_of_the_row_that_every_transaction_locks()
    {
        await using var queue = await QueueFixture.CreateAsync();
        await using var report = await queue.Source.OpenConnectionAsync(Cancel);
        await using var snapshot = await report.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, Cancel);
        await new NpgsqlCommand("SELECT count(*) FROM mta.queue", report).ExecuteScalarAsync(Cancel);
        const string Version = "SELECT ctid::text FROM mta_store.live_epoch";
        var before = await queue.ScalarAsync<string>(Version);
        var nodes = new NodeRegistry(queue.Source);
        for (var i = 0; i < 3; i++)
        {
            (await nodes.HeartbeatAsync(queue.Epoch, TimeSpan.FromMinutes(1), default, TimeSpan.FromSeconds(10), Cancel)).IsAlive.ShouldBeTrue();
            (await queue.Accept.StoreAsync(queue.Message())).Outcome.ShouldBe(Mta.Storage.Queue.AcceptOutcome.Stored);
        }

        (await queue.ScalarAsync<string>(Version)).ShouldBe(before);
    }

    [Fact]
    public async Task A_heartbeat_that_gets_no_answer_ends_at_its_limit_and_the_next_one_goes_through()
    {
        await using var queue = await QueueFixture.CreateAsync();
        await using var blocker = await queue.Source.OpenConnectionAsync(Cancel);
        await using var transaction = await blocker.BeginTransactionAsync(Cancel);
        await using var hold = new NpgsqlCommand($"SELECT 1 FROM mta.node WHERE name = '{queue.Epoch.Name}' FOR NO KEY UPDATE", blocker);
        await hold.ExecuteScalarAsync(Cancel);
        var nodes = new NodeRegistry(queue.Source);

        var since = Stopwatch.GetTimestamp();
        await Should.ThrowAsync<StorageException>(async () => await nodes.HeartbeatAsync(queue.Epoch, TimeSpan.FromMinutes(1), default, TimeSpan.FromSeconds(1), Cancel));
        Stopwatch.GetElapsedTime(since).ShouldBeLessThan(TimeSpan.FromSeconds(5));

        await transaction.RollbackAsync(Cancel);
        (await nodes.HeartbeatAsync(queue.Epoch, TimeSpan.FromMinutes(1), default, TimeSpan.FromSeconds(10), Cancel)).IsAlive.ShouldBeTrue();
    }
}
