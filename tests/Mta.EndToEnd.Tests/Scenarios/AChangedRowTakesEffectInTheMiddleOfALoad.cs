using System.Collections.Concurrent;
using System.Diagnostics;
using Mta.EndToEnd.Tests.Harness;
using Mta.Testing;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class AChangedRowTakesEffectInTheMiddleOfALoad
{
    private const int Sessions = 4;

    /// <summary>From the commit of a change to the node that has seen it.</summary>
    private static readonly TimeSpan SeenWithin = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, long> begunAt = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_changed_row_takes_effect_in_the_middle_of_a_load()
    {
        await using var before = await SmtpSink.StartAsync(Cancel);
        await using var after = await SmtpSink.StartAsync(Cancel);
        await using var database = await TestDatabase.CreateAsync();
        await RunAsync(
            database,
            $"""
            INSERT INTO mta.lookup VALUES ('/tables/virtual', 'info@alias.test', 'old@routed.test'),
                ('/tables/transport', 'routed.test', 'smtp:[127.0.0.1]:{before.Port}')
            """);
        await using var mta = await MtaInstance.StartAsync(
            Cancel,
            $"database_url = {database.ConnectionString}\nvirtual_alias_domains = alias.test\nvirtual_alias_maps = hash:/tables/virtual\ntransport_maps = hash:/tables/transport\n");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var load = Enumerable.Range(0, Sessions).Select(s => SendAsync(mta, s, stop.Token)).ToArray();
        await before.WaitForAsync(20, Cancel);

        await RunAsync(
            database,
            $"""
            BEGIN;
            UPDATE mta.lookup SET value = 'new@routed.test' WHERE table_name = '/tables/virtual';
            UPDATE mta.lookup SET value = 'smtp:[127.0.0.1]:{after.Port}' WHERE table_name = '/tables/transport';
            COMMIT
            """);
        var committed = Stopwatch.GetTimestamp();
        await Until.TrueAsync(() => begunAt.Values.Any(t => Stopwatch.GetElapsedTime(committed, t) > SeenWithin), "messages after the change", Cancel);
        await after.WaitForAsync(20, Cancel);
        await stop.CancelAsync();

        // No session was cut off, or had another reply than 250.
        await Task.WhenAll(load);
        await mta.WaitForEmptyQueueAsync(Cancel);
        var arrived = before.Messages().Concat(after.Messages()).ToArray();
        arrived.Select(m => m.Subject).Order().ShouldBe(begunAt.Keys.Order());
        foreach (var message in arrived.Where(m => Stopwatch.GetElapsedTime(committed, begunAt[m.Subject]) > SeenWithin))
        {
            message.Recipients.ShouldBe(["new@routed.test"]);
        }

        after.Messages().Count(m => Stopwatch.GetElapsedTime(committed, begunAt[m.Subject]) > SeenWithin)
            .ShouldBe(begunAt.Values.Count(t => Stopwatch.GetElapsedTime(committed, t) > SeenWithin));
    }

    private static async Task RunAsync(TestDatabase database, string sql)
    {
        await using var command = database.DataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancel);
    }

    private async Task SendAsync(MtaInstance mta, int session, CancellationToken stop)
    {
        await using var client = await mta.ConnectAsync(Cancel);
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var subject = $"{session}.{i}";
            begunAt[subject] = Stopwatch.GetTimestamp();
            (await client.SendMailAsync("sender@client.test", ["info@alias.test"], TestMail.Make(subject, "x\n"), Cancel)).ShouldStartWith("250 ");
        }
    }
}
