using Mta.Core.Delivery;
using Mta.Storage.Queue;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Queue;

public sealed class CompletionCombinerTests
{
    [Fact]
    public async Task A_delivered_message_leaves_only_its_history()
    {
        await using var queue = await QueueFixture.CreateAsync();
        var message = queue.Message();
        await queue.Accept.StoreAsync(message);
        await queue.SettleContentAsync();
        (await FinishAsync(queue, message, DeliveryAction.Sent)).ShouldBeFalse();
        (await queue.CountAsync("active")).ShouldBe(0);
        (await queue.CountAsync("recipient")).ShouldBe(0);
        (await queue.CountAsync("any_content")).ShouldBe(0);
        (await queue.ScalarAsync<string>("SELECT node || ' ' || dsn || ' ' || reason FROM mta.delivery_log")).ShouldBe("node-a 2.0.0 250 ok");
    }

    [Fact]
    public async Task A_deferred_message_moves_with_its_reason_and_is_claimed_when_due()
    {
        await using var queue = await QueueFixture.CreateAsync();
        var message = queue.Message();
        await queue.Accept.StoreAsync(message);
        (await DeferAsync(queue, message, 0)).ShouldBeFalse();
        (await queue.ScalarAsync<string>("SELECT reason FROM mta_store.recipient")).ShouldBe("connect refused");
        (await queue.Reader.DueDestinationsAsync(10, default)).ShouldHaveSingleItem().Name.ShouldBe("example.org");
        var claimed = await queue.Reader.ClaimDeferredAsync(queue.Epoch, "example.org", 10, default);
        claimed.ShouldHaveSingleItem().Envelope.Id.ShouldBe(message.Envelope.Id);
        claimed[0].Attempts.ShouldBe(1);
        (await queue.CountAsync("deferred")).ShouldBe(0);
        (await queue.CountAsync("destination")).ShouldBe(0);
        (await queue.Reader.RecipientsAsync(message.Envelope.Id.Value, -1, 10, default)).ShouldHaveSingleItem().Address.ShouldBe("to@example.org");
    }

    [Fact]
    public async Task Deferred_mail_is_not_claimed_before_its_time_but_after_a_flush()
    {
        await using var queue = await QueueFixture.CreateAsync();
        var message = queue.Message();
        await queue.Accept.StoreAsync(message);
        await DeferAsync(queue, message, 3600);
        (await queue.Reader.DueDestinationsAsync(10, default)).ShouldBeEmpty();
        await new QueueRequests(queue.Source).FlushAllAsync(default);
        (await queue.Reader.DueDestinationsAsync(10, default)).ShouldHaveSingleItem().Name.ShouldBe("example.org");
        (await queue.Reader.ClaimDeferredAsync(queue.Epoch, "example.org", 10, default)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Results_of_an_ended_epoch_change_nothing_and_are_counted()
    {
        await using var queue = await QueueFixture.CreateAsync();
        var message = queue.Message();
        await queue.Accept.StoreAsync(message);
        await queue.Nodes.EndAsync(queue.Epoch, default);
        (await FinishAsync(queue, message, DeliveryAction.Sent)).ShouldBeTrue();
        (await queue.CountAsync("incoming")).ShouldBe(1);
        (await queue.CountAsync("recipient")).ShouldBe(1);
        (await queue.CountAsync("delivery_log")).ShouldBe(0);
        (await queue.ScalarAsync<long>("SELECT possible_duplicates FROM mta.node")).ShouldBe(1);
    }

    [Fact]
    public async Task A_bounce_enqueues_its_notification_in_the_same_transaction()
    {
        await using var queue = await QueueFixture.CreateAsync();
        var message = queue.Message(true, "s@x", "a@x", "b@x");
        await queue.Accept.StoreAsync(message);
        var notification = queue.Message(true, "", "s@x");
        var completion = new TestCompletion
        {
            Epoch = queue.Epoch,
            MessageId = message.Envelope.Id.Value,
            Sender = "s@x",
            Size = 20,
            Records = [TestCompletion.Record(0, DeliveryAction.Bounced), TestCompletion.Record(1, DeliveryAction.Deferred, "later")],
            End = RoundEnd.Deferred,
            Destination = "x",
            DueSeconds = 300,
            Notifications = [notification],
        };
        queue.Completions.Post(completion);
        (await completion.Done).ShouldBeFalse();
        (await queue.ScalarAsync<long>("SELECT id FROM mta_store.active")).ShouldBe(notification.Envelope.Id.Value);
        (await queue.ScalarAsync<long>("SELECT id FROM mta_store.deferred")).ShouldBe(message.Envelope.Id.Value);
        (await queue.ScalarAsync<string>($"SELECT address FROM mta_store.recipient WHERE message_id = {message.Envelope.Id.Value}")).ShouldBe("b@x");
    }

    [Fact]
    public async Task Results_wait_while_their_table_is_locked_or_their_connection_dies()
    {
        await using var queue = await QueueFixture.CreateAsync();
        var message = queue.Message();
        await queue.Accept.StoreAsync(message);
        await queue.ExecuteAsync("ALTER TABLE mta.delivery_log RENAME TO delivery_log_away");
        var finish = FinishAsync(queue, message, DeliveryAction.Sent);
        while (queue.Warnings.Count == 0)
        {
            await Task.Yield();
        }

        await queue.ExecuteAsync("ALTER TABLE mta.delivery_log_away RENAME TO delivery_log");
        (await finish).ShouldBeFalse();
        (await queue.CountAsync("active")).ShouldBe(0);
    }

    private static Task<bool> FinishAsync(QueueFixture queue, NewMessage message, DeliveryAction action) =>
        PostAsync(queue, message, TestCompletion.Record(0, action), RoundEnd.Finished, 0);

    internal static Task<bool> DeferAsync(QueueFixture queue, NewMessage message, double seconds) =>
        PostAsync(queue, message, TestCompletion.Record(0, DeliveryAction.Deferred, "connect refused"), RoundEnd.Deferred, seconds);

    private static Task<bool> PostAsync(QueueFixture queue, NewMessage message, DeliveryRecord record, RoundEnd end, double seconds)
    {
        var completion = new TestCompletion
        {
            Epoch = queue.Epoch,
            MessageId = message.Envelope.Id.Value,
            Sender = message.Envelope.Sender,
            Size = message.Envelope.Size,
            Records = [record],
            End = end,
            Destination = end == RoundEnd.Deferred ? "example.org" : "",
            DueSeconds = seconds,
        };
        queue.Completions.Post(completion);
        return completion.Done;
    }
}
