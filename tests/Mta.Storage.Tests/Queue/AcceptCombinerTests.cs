using Mta.Storage.Queue;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Queue;

public sealed class AcceptCombinerTests
{
    [Fact]
    public async Task Messages_of_many_sessions_are_stored_with_recipients_and_content()
    {
        await using var queue = await QueueFixture.CreateAsync();
        var results = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => queue.Accept.StoreAsync(queue.Message(i % 4 != 0, "s@x", "a@x", "b@x"))));
        results.ShouldAllBe(r => r.Outcome == AcceptOutcome.Stored);
        (await queue.CountAsync("active")).ShouldBe(75);
        (await queue.CountAsync("incoming")).ShouldBe(25);
        (await queue.CountAsync("recipient")).ShouldBe(200);
        (await queue.CountAsync("any_content")).ShouldBe(100);
    }

    [Fact]
    public async Task Nothing_is_stored_for_an_ended_epoch()
    {
        await using var queue = await QueueFixture.CreateAsync();
        (await queue.Nodes.EndAsync(queue.Epoch, default)).ShouldBeTrue();
        var result = await queue.Accept.StoreAsync(queue.Message());
        result.Outcome.ShouldBe(AcceptOutcome.EpochEnded);
        (await queue.CountAsync("active")).ShouldBe(0);
        (await queue.CountAsync("recipient")).ShouldBe(0);
        (await queue.CountAsync("any_content")).ShouldBe(0);
    }

    [Fact]
    public async Task A_bad_message_does_not_take_the_batch_down()
    {
        await using var queue = await QueueFixture.CreateAsync();
        var twice = queue.Message();
        (await queue.Accept.StoreAsync(twice)).Outcome.ShouldBe(AcceptOutcome.Stored);
        var messages = Enumerable.Range(0, 21).Select(i => i == 10 ? twice : queue.Message()).ToList();
        var results = await Task.WhenAll(messages.Select(queue.Accept.StoreAsync));
        results[10].Outcome.ShouldBe(AcceptOutcome.Refused);
        results.Count(r => r.Outcome == AcceptOutcome.Stored).ShouldBe(20);
    }

    [Fact]
    public async Task A_connection_that_dies_before_the_commit_is_settled_and_never_claims_success()
    {
        await using var queue = await QueueFixture.CreateAsync();
        (await queue.Accept.StoreAsync(queue.Message())).Outcome.ShouldBe(AcceptOutcome.Stored);

        // The lock on the table holds the insert back; then its session is ended.
        await using var blocker = await queue.Source.OpenConnectionAsync();
        await using var transaction = await blocker.BeginTransactionAsync();
        await using (var block = blocker.CreateCommand())
        {
            block.CommandText = "LOCK TABLE mta_store.active IN EXCLUSIVE MODE";
            await block.ExecuteNonQueryAsync();
        }

        var store = queue.Accept.StoreAsync(queue.Message());
        long ended;
        do
        {
            ended = await queue.ScalarAsync<long>(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'");
        }
        while (ended == 0);
        await transaction.RollbackAsync();
        var result = await store.WaitAsync(TimeSpan.FromSeconds(30));
        var stored = await queue.CountAsync("active");
        result.Outcome.ShouldBe(stored == 2 ? AcceptOutcome.Stored : AcceptOutcome.NotStored);
        (await queue.Accept.StoreAsync(queue.Message())).Outcome.ShouldBe(AcceptOutcome.Stored);
    }

    [Fact]
    public async Task Text_that_SQL_cannot_hold_is_made_printable()
    {
        await using var queue = await QueueFixture.CreateAsync();
        (await queue.Accept.StoreAsync(queue.Message(true, "a\0b\ud800@x"))).Outcome.ShouldBe(AcceptOutcome.Stored);
        (await queue.ScalarAsync<string>("SELECT sender FROM mta_store.active")).ShouldBe("a?b?@x");
    }
}
