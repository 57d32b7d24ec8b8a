using System.Text;
using Mta.Core.Delivery;
using Mta.Core.Queue;
using Mta.Storage.Connections;
using Mta.Storage.Nodes;
using Mta.Storage.Queue;
using Mta.Testing;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Queue;

public sealed class SlowCompletionTests
{
    [Fact]
    public async Task Results_whose_commit_was_broken_off_and_succeeded_after_all_are_neither_lost_nor_counted_as_duplicates()
    {
        await using var server = await OwnServer.StartAsync();
        await using var source = Database.Connect(server.ConnectionString).CreateDataSource(DatabaseRole.Daemon, "test", 10, QueueDataSource.Configure);
        var epoch = (await new NodeRegistry(source).BeginAsync(QueueFixture.Identity, TimeSpan.FromMinutes(5), default))!;
        await using var accept = new AcceptCombiner(source, () => epoch, 1);
        var warnings = new List<string>();
        await using var completions = new CompletionCombiner(source, 1, warnings.Add) { CommitLimit = TimeSpan.FromMilliseconds(300) };
        var id = new QueueIdSource(TimeProvider.System, epoch.Number, epoch.IdFloor).Next();
        (await accept.StoreAsync(new NewMessage
        {
            Envelope = new Envelope { Id = id, Sender = "s@x", Size = 10, RecipientCount = 1 },
            Recipients = [new Recipient { Number = 0, Address = "a@b" }],
            Content = Encoding.ASCII.GetBytes("Subject: x\n\n"),
            Owned = true,
        })).Outcome.ShouldBe(AcceptOutcome.Stored);
        await server.LoseStandbyAsync();

        var completion = new TestCompletion
        {
            Epoch = epoch, MessageId = id.Value, Sender = "s@x", Size = 10, Records = [TestCompletion.Record(0, DeliveryAction.Sent)], End = RoundEnd.Finished,
        };
        completions.Post(completion);

        // The first try waits for the standby; the second one, on a connection of its own, for what the first one holds.
        while (await server.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == 0)
        {
            await Task.Yield();
        }

        await server.SetAsync("synchronous_standby_names", "");
        (await completion.Done).ShouldBeFalse();
        (await server.ScalarAsync<long>("SELECT possible_duplicates FROM mta.node")).ShouldBe(0);
        (await server.ScalarAsync<long>("SELECT count(*) FROM mta.delivery_log")).ShouldBe(1);
        warnings.ShouldHaveSingleItem().ShouldContain("delivery results wait to be written");
    }
}
