using Mta.Storage.History;
using Mta.Storage.Tests.Admin;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.History;

/// <summary>Every ready report is run as the report role over a history with something of everything.</summary>
public sealed class ReportTests
{
    private static string Reports => Path.Combine(AppContext.BaseDirectory, "reports");

    [Fact]
    public async Task Every_report_runs_as_the_report_role_and_finds_something()
    {
        await using var admin = await FilledAsync();
        var files = Directory.GetFiles(Reports, "*.sql");
        files.Length.ShouldBeGreaterThan(15);
        await using var connection = await admin.Report.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await ExecuteAsync(connection, "SELECT set_config('mta.message', '<story@example.com>', false)");
        foreach (var file in files)
        {
            (await RowsAsync(connection, await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)))
                .ShouldBeGreaterThan(0, Path.GetFileName(file));
        }
    }

    [Fact]
    public async Task Totals_count_messages_recipients_and_counted_rejects()
    {
        await using var admin = await FilledAsync();
        var totals = (await File.ReadAllTextAsync(Path.Combine(Reports, "totals.sql"), TestContext.Current.CancellationToken)).TrimEnd(';', '\n');
        (await AdminFixture.ScalarAsync(admin.Report, $"SELECT concat_ws(' ', received, delivered, deferred, deferrals, bounced, rejected) FROM ({totals}) t"))
            .ShouldBe("4 3 1 2 1 41");
    }

    [Fact]
    public async Task Partitions_of_both_logs_are_made_ahead()
    {
        await using var admin = await AdminFixture.CreateAsync();
        (await AdminFixture.ScalarAsync(
            admin.Queue.Source,
            "SELECT mta.maintain_delivery_log('30 days'); SELECT mta.maintain_delivery_log('30 days')")).ShouldBeEmpty();
        (await AdminFixture.ScalarAsync(
            admin.Queue.Source,
            "SELECT string_agg(n::text, ' ') FROM (SELECT count(*) AS n FROM pg_inherits WHERE inhparent IN ('mta.delivery_log'::regclass, 'mta_store.reject_log'::regclass) GROUP BY inhparent) t"))
            .ShouldBe("5 5");
    }

    // Three messages that came by SMTP and one that waits, attempts of all kinds, one recipient delivered twice, rejects alone and counted.
    private static async Task<AdminFixture> FilledAsync()
    {
        var admin = await AdminFixture.CreateAsync();
        await admin.StoreAsync("deferred");
        await admin.Queue.ExecuteAsync(
            """
            INSERT INTO mta.delivery_log (message_id, recipient_number, node, action, sender, recipient, size, transport, relay, dsn, delay_before_queue,
                delay_in_queue, delay_connection, delay_transmission, reason, client_name, client_address, header_message_id)
            SELECT mta.queue_floor(now()) + 4096 * m, r, 'node-a', action, 's@example.com', 'r' || r || '@example.org', 1000 * m, 'smtp', 'mx[192.0.2.1]:25', dsn,
                0.1, 0.2, 0.3, 0.4, reason, 'client.example', '192.0.2.9', '<story@example.com>'
            FROM (VALUES (1, 1, 0, '2.0.0', 'ok'), (1, 1, 0, '2.0.0', 'ok'), (1, 2, 2, '5.1.1', '<r2@example.org> unknown'),
                         (2, 1, 1, '4.0.0', 'later'), (2, 1, 1, '4.0.0', 'later'), (2, 2, 3, '2.0.0', 'expanded'), (3, 1, 4, '2.0.0', 'relayed'))
                AS v (m, r, action, dsn, reason)
            """);
        var one = new RejectRecord("NOQUEUE", "RCPT", "unknown", "192.0.2.66", "helo\0", "s@example.com", "\ud800@x", 554, "5.7.1", "Relay access denied", 1);
        await new RejectStore(admin.Queue.Source).WriteAsync("node-a", [one, one with { Count = 40 }], default);
        return admin;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<int> RowsAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = 0;
        while (await reader.ReadAsync())
        {
            rows++;
        }

        return rows;
    }
}
