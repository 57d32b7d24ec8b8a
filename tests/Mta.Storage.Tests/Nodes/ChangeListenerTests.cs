using System.Threading.Channels;
using Mta.Storage.Nodes;
using Mta.Storage.Queue;
using Mta.Storage.Tests.Queue;
using Shouldly;
using Xunit;
using Channels = Mta.Storage.Nodes.Channels;

namespace Mta.Storage.Tests.Nodes;

public sealed class ChangeListenerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_nodes_and_administrators_do_is_heard_and_after_a_lost_connection_everything()
    {
        await using var queue = await QueueFixture.CreateAsync();
        var heard = Channel.CreateUnbounded<string>();
        await using var listener = new ChangeListener(queue.Source, c => heard.Writer.TryWrite(c), TimeProvider.System);
        listener.Start();
        await HeardAsync(Channels.All);

        await using var notifier = new ChangeNotifier(queue.Source, TimeProvider.System);
        for (var i = 0; i < 1000; i++)
        {
            notifier.MailForAnybody();
        }

        await HeardAsync([Channels.Queue]);
        await new QueueRequests(queue.Source).FlushSiteAsync("example.org", Cancel);
        await HeardAsync([Channels.Flush]);
        await queue.ExecuteAsync("SELECT mta.flush_all()");
        await HeardAsync([Channels.Flush]);
        await queue.ExecuteAsync("SELECT mta.suspend('example.org')");
        await HeardAsync([Channels.Request]);
        await queue.Nodes.EndAsync(queue.Epoch, Cancel);
        await HeardAsync([Channels.Queue]);

        // One notification for all thousand calls.
        heard.Reader.TryRead(out _).ShouldBeFalse();
        await queue.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'");
        await HeardAsync(Channels.All);

        async Task HeardAsync(IReadOnlyList<string> expected)
        {
            var got = new List<string>();
            while (got.Count < expected.Count)
            {
                got.Add(await heard.Reader.ReadAsync(Cancel).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Cancel));
            }

            got.ShouldBe(expected, ignoreOrder: true);
        }
    }

    [Fact]
    public async Task A_flushed_site_is_found_by_its_next_hop_and_by_its_recipients()
    {
        await using var queue = await QueueFixture.CreateAsync();
        foreach (var (recipient, destination) in new[] { ("a@example.org", "example.org"), ("b@Example.ORG", "[relay]:25"), ("c@other.org", "[relay]:25"), ("d@other.org", "other.org") })
        {
            await queue.Accept.StoreAsync(queue.Message(owned: false, recipients: recipient));
            await queue.ExecuteAsync(
                $"WITH m AS (DELETE FROM mta_store.incoming RETURNING *) INSERT INTO mta_store.deferred SELECT m.*, '{destination}', now() + interval '1 h', now() FROM m");
        }

        await queue.ExecuteAsync("INSERT INTO mta_store.destination (name, next_due) SELECT DISTINCT destination, now() + interval '1 h' FROM mta_store.deferred");
        await new QueueRequests(queue.Source).FlushSiteAsync("example.org", Cancel);

        var due = await queue.Reader.DueDestinationsAsync(10, Cancel);
        due.ShouldBe([new DueDestination("example.org", true, false), new DueDestination("[relay]:25", true, false)], ignoreOrder: true);
        (await queue.Reader.ClaimDeferredAsync(queue.Epoch, "example.org", 10, Cancel)).Count.ShouldBe(1);
        (await queue.Reader.ClaimDeferredAsync(queue.Epoch, "[relay]:25", 10, Cancel)).ShouldHaveSingleItem().Recipients!.ShouldHaveSingleItem().Address.ShouldBe("b@Example.ORG");
        (await queue.Reader.DueDestinationsAsync(10, Cancel)).ShouldBeEmpty();
    }
}
