using Mta.Storage.Queue;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Queue;

/// <summary>The life of a slot of new content: written, closed, copied, truncated.</summary>
public sealed class ContentSlotTests
{
    private const string Rows = "SELECT count(*) FROM mta_store.new_content";

    [Fact]
    public async Task What_is_in_the_open_slot_or_the_one_before_is_left_alone()
    {
        await using var queue = await QueueFixture.CreateAsync();
        await queue.Accept.StoreAsync(queue.Message());
        (await new ContentSlots(queue.Source).RecycleAsync(default)).ShouldBeFalse();
        (await queue.ScalarAsync<long>(Rows)).ShouldBe(1);
    }

    [Fact]
    public async Task Content_of_mail_that_still_lives_outlasts_its_slot_and_that_of_mail_that_has_left_goes_with_it()
    {
        await using var queue = await QueueFixture.CreateAsync();
        var lives = await AcceptIntoClosedSlotAsync(queue);
        var left = await AcceptIntoClosedSlotAsync(queue);
        await queue.ExecuteAsync($"DELETE FROM mta_store.active WHERE id = {left.Envelope.Id.Value}");
        await RecycleAsync(queue);
        (await queue.ScalarAsync<long>(Rows)).ShouldBe(0);
        (await queue.Reader.ChunkAsync(lives.Envelope.Id.Value, 0, default)).ShouldBe(lives.Content.ToArray());
        (await queue.ScalarAsync<long>("SELECT message_id FROM mta_store.content")).ShouldBe(lives.Envelope.Id.Value);
    }

    [Fact]
    public async Task Between_the_copy_and_the_truncation_each_chunk_is_there_once()
    {
        await using var queue = await QueueFixture.CreateAsync();
        var message = await AcceptIntoClosedSlotAsync(queue);
        var slots = new ContentSlots(queue.Source);
        (await slots.RecycleAsync(default)).ShouldBeTrue();
        (await slots.RecycleAsync(default)).ShouldBeFalse("who began before the copy still needs the slot");
        (await queue.ScalarAsync<long>(Rows)).ShouldBe(1);
        (await queue.ScalarAsync<long>($"SELECT count(*) FROM mta_store.any_content WHERE message_id = {message.Envelope.Id.Value}")).ShouldBe(1);
    }

    [Fact]
    public async Task A_row_that_comes_after_the_copy_is_copied_before_the_slot_goes()
    {
        await using var queue = await QueueFixture.CreateAsync();
        await AcceptIntoClosedSlotAsync(queue);
        var slots = new ContentSlots(queue.Source);
        (await slots.RecycleAsync(default)).ShouldBeTrue();
        var late = await AcceptIntoClosedSlotAsync(queue);
        await AgeAsync(queue);
        (await slots.RecycleAsync(default)).ShouldBeTrue();
        (await queue.ScalarAsync<long>(Rows)).ShouldBe(2);
        await AgeAsync(queue);
        (await slots.RecycleAsync(default)).ShouldBeTrue();
        (await queue.ScalarAsync<long>(Rows)).ShouldBe(0);
        (await queue.Reader.ChunkAsync(late.Envelope.Id.Value, 0, default)).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_copy_whose_message_ended_meanwhile_goes_too()
    {
        await using var queue = await QueueFixture.CreateAsync();
        var message = await AcceptIntoClosedSlotAsync(queue);
        var slots = new ContentSlots(queue.Source);
        (await slots.RecycleAsync(default)).ShouldBeTrue();
        await queue.ExecuteAsync($"DELETE FROM mta_store.active WHERE id = {message.Envelope.Id.Value}");
        await AgeAsync(queue);
        (await slots.RecycleAsync(default)).ShouldBeTrue();
        (await queue.ScalarAsync<long>("SELECT count(*) FROM mta_store.content")).ShouldBe(0);
    }

    [Fact]
    public async Task Mail_that_was_requeued_has_its_new_content_also_while_the_old_is_in_its_slot_and_when_that_goes()
    {
        await using var queue = await QueueFixture.CreateAsync();
        var old = await AcceptIntoClosedSlotAsync(queue);
        var id = old.Envelope.Id.Value;
        await queue.ExecuteAsync(
            $"""
            DELETE FROM mta_store.active WHERE id = {id};
            DELETE FROM mta_store.recipient WHERE message_id = {id};
            INSERT INTO mta_store.maildrop (id, sender, recipients, size, chunk_count) VALUES ({id}, 'a@example.com', '{"{b@example.com}"}', 1, 1)
            """);
        var again = new NewMessage
        {
            Envelope = old.Envelope,
            Recipients = old.Recipients,
            Content = "Subject: new\n\nbody\n"u8.ToArray(),
            MaildropId = id,
            Owned = true,
        };
        (await queue.Accept.StoreAsync(again)).Outcome.ShouldBe(AcceptOutcome.Stored);
        (await queue.Reader.ChunkAsync(id, 0, default)).ShouldBe(again.Content.ToArray());
        await RecycleAsync(queue);
        (await queue.ScalarAsync<long>(Rows)).ShouldBe(0);
        (await queue.Reader.ChunkAsync(id, 0, default)).ShouldBe(again.Content.ToArray());
    }

    [Fact]
    public async Task A_report_that_has_read_the_queue_keeps_no_slot()
    {
        await using var queue = await QueueFixture.CreateAsync();
        await AcceptIntoClosedSlotAsync(queue);
        await using var report = await queue.Source.OpenConnectionAsync();
        await using var snapshot = await report.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead);
        await new NpgsqlCommand("SELECT count(*) FROM mta.queue", report).ExecuteScalarAsync();
        await RecycleAsync(queue);

        // The open slot keeps the version of the row that this test moved to a closed one.
        (await queue.ScalarAsync<long>("SELECT count(*) FROM pg_inherits WHERE inhparent = 'mta_store.new_content'::regclass AND pg_relation_size(inhrelid) > 0")).ShouldBe(1);
    }

    [Fact]
    public async Task A_backup_that_reads_contents_keeps_the_slots_until_it_ends()
    {
        await using var queue = await QueueFixture.CreateAsync();
        var message = await AcceptIntoClosedSlotAsync(queue);
        await using var backup = await queue.Source.OpenConnectionAsync();
        await using (var transaction = await backup.BeginTransactionAsync())
        {
            await new NpgsqlCommand(Rows, backup).ExecuteScalarAsync();
            await RecycleAsync(queue);
            (await queue.ScalarAsync<long>(Rows)).ShouldBe(1);
        }

        await RecycleAsync(queue);
        (await queue.ScalarAsync<long>(Rows)).ShouldBe(0);
        (await queue.Reader.ChunkAsync(message.Envelope.Id.Value, 0, default)).ShouldNotBeNull();
    }

    /// <summary>As if it had been accepted 80 seconds ago.</summary>
    private static async Task<NewMessage> AcceptIntoClosedSlotAsync(QueueFixture queue)
    {
        var message = queue.Message();
        await queue.Accept.StoreAsync(message);
        await queue.ExecuteAsync($"UPDATE mta_store.new_content SET slot = mta_store.slot_at(now() - interval '80 s') WHERE message_id = {message.Envelope.Id.Value}");
        return message;
    }

    private static async Task RecycleAsync(QueueFixture queue)
    {
        var slots = new ContentSlots(queue.Source);
        for (var i = 0; i < 2; i++)
        {
            while (await slots.RecycleAsync(default))
            {
            }

            await AgeAsync(queue);
        }
    }

    private static Task AgeAsync(QueueFixture queue) => queue.ExecuteAsync("UPDATE mta_store.content_slot SET copied_at = copied_at - interval '25 s'");
}
