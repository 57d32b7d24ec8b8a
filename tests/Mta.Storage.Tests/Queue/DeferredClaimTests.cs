using System.Globalization;
using System.Text.RegularExpressions;
using Mta.Storage.Queue;
using Npgsql;
using NpgsqlTypes;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Queue;

/// <summary>What a claim of deferred mail costs, and what may not get lost between a claim and the look at what is left.</summary>
public sealed partial class DeferredClaimTests
{
    private const string Destination = "big.test";

    [Fact]
    public async Task A_claim_does_not_walk_through_mail_that_is_due_later()
    {
        await using var queue = await QueueFixture.CreateAsync();
        await FillAsync(queue, 1, 5, "-1 minute");
        await FillAsync(queue, 6, 20_000, "1 hour");
        await queue.ExecuteAsync("ANALYZE mta_store.deferred");
        (await PagesAsync(queue, DateTime.MinValue)).ShouldBeLessThan(200);
    }

    [Fact]
    public async Task Under_a_held_snapshot_a_claim_begins_where_the_last_one_ended()
    {
        await using var queue = await QueueFixture.CreateAsync();
        await FillAsync(queue, 1, 20_000, "-1 hour");
        await queue.ExecuteAsync("ANALYZE mta_store.deferred");
        await using var report = await queue.Source.OpenConnectionAsync();
        await using var snapshot = await report.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead);
        await new NpgsqlCommand("SELECT count(*) FROM mta.queue", report).ExecuteScalarAsync();

        for (var i = 0; i < 19; i++)
        {
            (await queue.Reader.ClaimDeferredAsync(queue.Epoch, Destination, 1000, default)).Count.ShouldBe(1000);
        }

        var floor = await queue.ScalarAsync<DateTime>("SELECT min(due_at) FROM mta_store.deferred");
        (await PagesAsync(queue, floor)).ShouldBeLessThan(await PagesAsync(queue, DateTime.MinValue) / 3);
        (await queue.Reader.ClaimDeferredAsync(queue.Epoch, Destination, 2000, default)).Count.ShouldBe(1000);
    }

    [Fact]
    public async Task What_was_locked_below_the_floor_is_claimed_later()
    {
        await using var queue = await QueueFixture.CreateAsync();
        await FillAsync(queue, 1, 30, "-1 hour");
        await using (var other = await queue.Source.OpenConnectionAsync())
        await using (var transaction = await other.BeginTransactionAsync())
        {
            await new NpgsqlCommand("SELECT FROM mta_store.deferred WHERE id = 1 FOR UPDATE", other).ExecuteNonQueryAsync();
            (await queue.Reader.ClaimDeferredAsync(queue.Epoch, Destination, 20, default)).Count.ShouldBe(20);
            (await queue.Reader.ClaimDeferredAsync(queue.Epoch, Destination, 20, default)).Count.ShouldBe(9);
        }

        // Looked at again within 30 seconds, and from the beginning.
        (await queue.ScalarAsync<bool>("SELECT next_due < now() + interval '31 s' FROM mta_store.destination")).ShouldBeTrue();
        (await queue.Reader.ClaimDeferredAsync(queue.Epoch, Destination, 20, default)).ShouldHaveSingleItem().Envelope.Id.Value.ShouldBe(1);
        (await queue.CountAsync("destination")).ShouldBe(0);
    }

    [Fact]
    public async Task A_flush_that_a_claim_has_not_seen_stays()
    {
        await using var queue = await QueueFixture.CreateAsync();
        await FillAsync(queue, 1, 1, "1 hour");
        await queue.ExecuteAsync($"SELECT mta.flush('{Destination}')");
        await queue.ExecuteAsync($"SELECT mta_store.refresh_destination('{Destination}', NULL, '-infinity')");
        (await queue.Reader.DueDestinationsAsync(10, default)).ShouldHaveSingleItem().Flushed.ShouldBeTrue();
        (await queue.Reader.ClaimDeferredAsync(queue.Epoch, Destination, 10, default)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Deferring_more_mail_does_not_write_the_destinations_row_again()
    {
        await using var queue = await QueueFixture.CreateAsync();
        var place = "";
        for (var seconds = 60; seconds < 63; seconds++)
        {
            var message = queue.Message();
            await queue.Accept.StoreAsync(message);
            await CompletionCombinerTests.DeferAsync(queue, message, seconds);
            var now = await queue.ScalarAsync<string>("SELECT ctid::text FROM mta_store.destination");
            (place is "" ? now : place).ShouldBe(now);
            place = now;
        }
    }

    private static Task FillAsync(QueueFixture queue, int from, int to, string due) => queue.ExecuteAsync(
        $"""
        INSERT INTO mta_store.deferred (id, sender, size, recipient_count, chunk_count, destination, due_at)
            SELECT n, 'a@example.com', 20, 1, 1, '{Destination}', now() + interval '{due}' + n * interval '1 ms' FROM generate_series({from}, {to}) AS n;
        INSERT INTO mta_store.destination (name, next_due) VALUES ('{Destination}', now()) ON CONFLICT DO NOTHING;
        """);

    /// <summary>Pages that a claim of ten reads.</summary>
    private static async Task<int> PagesAsync(QueueFixture queue, DateTime floor)
    {
        await using var connection = await queue.Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) " + QueueSql.ClaimDeferred, connection)
        {
            Parameters =
            {
                new() { Value = queue.Epoch.Name }, new() { Value = queue.Epoch.Epoch }, new() { Value = Destination }, new() { Value = 10 },
                new() { Value = DateTime.SpecifyKind(floor, DateTimeKind.Utc), NpgsqlDbType = NpgsqlDbType.TimestampTz },
            },
        };
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            if (Shared().Match(reader.GetString(0)) is { Success: true } match)
            {
                return int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
            }
        }

        throw new InvalidOperationException("the plan tells no buffers");
    }

    [GeneratedRegex(@"Buffers: shared hit=(\d+)")]
    private static partial Regex Shared();
}
