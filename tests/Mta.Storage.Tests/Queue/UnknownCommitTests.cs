using System.Text;
using Mta.Core.Queue;
using Mta.Storage.Connections;
using Mta.Storage.Nodes;
using Mta.Storage.Queue;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Queue;

/// <summary>A COMMIT whose durability is not certain is never called stored.</summary>
public sealed class UnknownCommitTests
{
    [Fact]
    public async Task A_commit_that_waits_for_a_missing_standby_is_never_called_stored()
    {
        await using var run = await Run.StartAsync();
        var result = run.StoreAsync(out var id);
        (await result).Outcome.ShouldBe(AcceptOutcome.Unknown);

        // When the standby is back the row turns up after all: the sweep finds it, and it is delivered.
        (await run.Server.ScalarAsync<long>($"SELECT count(*) FROM mta_store.active WHERE id = {id}")).ShouldBe(0);
        await run.Server.SetAsync("synchronous_standby_names", "");
        while (await run.Server.ScalarAsync<long>($"SELECT count(*) FROM mta_store.active WHERE id = {id}") == 0)
        {
            await Task.Yield();
        }

        (await run.StoreAsync(out _)).Outcome.ShouldBe(AcceptOutcome.Stored);
    }

    [Theory]
    [InlineData("pg_cancel_backend")]
    [InlineData("pg_terminate_backend")]
    public async Task A_wait_for_the_standby_that_is_cut_off_is_never_called_stored(string how)
    {
        await using var run = await Run.StartAsync();
        var result = run.StoreAsync(out _);
        while (!result.IsCompleted)
        {
            // Each connection that waits, the settling one too.
            await run.Server.ExecuteAsync($"SELECT {how}(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
        }

        (await result).Outcome.ShouldBe(AcceptOutcome.Unknown);
    }

    [Fact]
    public async Task When_the_standby_comes_back_in_time_the_message_is_stored()
    {
        await using var run = await Run.StartAsync(settleLimit: TimeSpan.FromSeconds(60));
        var result = run.StoreAsync(out _);
        while (await run.Server.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == 0)
        {
            await Task.Yield();
        }

        await run.Server.SetAsync("synchronous_standby_names", "");
        (await result).Outcome.ShouldBe(AcceptOutcome.Stored);
    }

    [Fact]
    public async Task A_server_that_dies_during_commits_loses_nothing_that_was_called_stored()
    {
        await using var run = await Run.StartAsync(settleLimit: TimeSpan.FromSeconds(60));
        await run.Server.SetAsync("synchronous_standby_names", "");
        var ids = new List<long>();
        var results = new List<Task<AcceptResult>>();
        for (var i = 0; i < 2000; i++)
        {
            if (i == 1000)
            {
                await results[200];
                run.Server.StopImmediate();
            }

            results.Add(run.StoreAsync(out var id));
            ids.Add(id);
        }

        run.Server.Start();
        var outcomes = await Task.WhenAll(results);
        (await run.StoreAsync(out _)).Outcome.ShouldBe(AcceptOutcome.Stored);
        var there = await run.Server.ScalarAsync<long[]>("SELECT array_agg(id) FROM mta_store.active");
        for (var i = 0; i < outcomes.Length; i++)
        {
            there!.Contains(ids[i]).ShouldBe(outcomes[i].Outcome == AcceptOutcome.Stored, $"message {i}: {outcomes[i]}");
        }
    }

    private sealed class Run : IAsyncDisposable
    {
        private readonly DatabasePool source;
        private readonly AcceptCombiner accept;
        private readonly QueueIdSource ids;

        private Run(OwnServer server, DatabasePool source, NodeEpoch epoch, TimeSpan settleLimit)
        {
            Server = server;
            this.source = source;
            ids = new QueueIdSource(TimeProvider.System, epoch.Number, epoch.IdFloor);
            accept = new AcceptCombiner(source, () => epoch, 2) { CommitLimit = TimeSpan.FromMilliseconds(500), SettleLimit = settleLimit };
        }

        public OwnServer Server { get; }

        /// <summary>A server whose synchronous standby is missing.</summary>
        public static async Task<Run> StartAsync(TimeSpan? settleLimit = null)
        {
            var server = await OwnServer.StartAsync();
            var source = Database.Connect(server.ConnectionString).CreateDataSource(DatabaseRole.Daemon, "test", 10, QueueDataSource.Configure);
            var epoch = await new NodeRegistry(source).BeginAsync(QueueFixture.Identity, TimeSpan.FromMinutes(5), default);
            await server.LoseStandbyAsync();
            return new Run(server, source, epoch!, settleLimit ?? TimeSpan.FromSeconds(1));
        }

        public Task<AcceptResult> StoreAsync(out long id)
        {
            var message = new NewMessage
            {
                Envelope = new Envelope { Id = ids.Next(), Sender = "s@x", Size = 10, RecipientCount = 1 },
                Recipients = [new Recipient { Number = 0, Address = "a@b" }],
                Content = Encoding.ASCII.GetBytes("Subject: x\n\n"),
                Owned = true,
            };
            id = message.Envelope.Id.Value;
            return accept.StoreAsync(message);
        }

        public async ValueTask DisposeAsync()
        {
            await accept.DisposeAsync();
            await source.DisposeAsync();
            await Server.DisposeAsync();
        }
    }
}
