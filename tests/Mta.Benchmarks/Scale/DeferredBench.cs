using System.Diagnostics;
using System.Globalization;

namespace Mta.Benchmarks.Scale;

/// <summary>
/// What millions of deferred messages change: two servers, one with an empty queue and one with a full one, measured in turns; then claims,
/// listings, administration, and a dead destination with a fifth of the mail. All that it fills goes with its temporary directory.
/// </summary>
internal sealed class DeferredBench(BenchmarkOptions options, int messages) : IAsyncDisposable
{
    private readonly string directory = Bench.NewDirectory();
    private readonly List<TurnServer> started = [];
    private readonly Verdicts verdicts = new(Console.Out);

    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        DeferredFill.CheckDisk(directory, messages);
        var deadPort = Programs.FreePort();
        var routes = string.Create(CultureInfo.InvariantCulture, $"transport_maps = inline:{{ dead.example=smtp:[127.0.0.1]:{deadPort} }}\nnotify_classes =\n");
        var empty = await StartAsync("empty", routes, cancellationToken).ConfigureAwait(false);
        var full = await StartAsync("full", routes, cancellationToken).ConfigureAwait(false);
        var (server, database) = (full.Server, full.Database);
        var fill = new DeferredFill(database, deadPort);
        verdicts.Note($"filling {messages} messages", await fill.FillAsync(messages, cancellationToken).ConfigureAwait(false), "s");
        verdicts.Note("size of the database", await database.NumberAsync("SELECT pg_database_size(current_database()) / 1e9", cancellationToken).ConfigureAwait(false), "GB");

        // What autovacuum and the checkpointer have left to do is not to be measured with what follows.
        await empty.SettleAsync(cancellationToken).ConfigureAwait(false);
        await full.SettleAsync(cancellationToken).ConfigureAwait(false);
        await NewMailAsync(empty, full, "new mail", cancellationToken).ConfigureAwait(false);
        await new ListingBench(server, verdicts).RunAsync(cancellationToken).ConfigureAwait(false);

        // A destination has a thousandth of what is not dead.
        var batches = Math.Clamp((messages / DeferredFill.Destinations / 125) - 1, 1, 40);
        var claims = new ClaimBench(database, server.DatabaseConnection, verdicts);
        await claims.RunAsync("d7.example", batches, "one of many destinations", cancellationToken).ConfigureAwait(false);
        await claims.RunAsync(fill.DeadDestination, Math.Min(200, messages / 5 / 200), "the big destination", cancellationToken).ConfigureAwait(false);
        await using (await HeldSnapshot.OpenAsync(database, cancellationToken).ConfigureAwait(false))
        {
            await claims.RunAsync(fill.DeadDestination, Math.Min(200, messages / 5 / 200), "the same under a held snapshot", cancellationToken).ConfigureAwait(false);
        }

        await new AdministrationBench(full, verdicts).RunAsync(Math.Min(100_000, messages / 10), cancellationToken).ConfigureAwait(false);
        await full.SettleAsync(cancellationToken).ConfigureAwait(false);
        await DeadDestinationAsync(empty, full, fill, cancellationToken).ConfigureAwait(false);
        verdicts.Print();
        return verdicts.AllKept;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in started)
        {
            await server.DisposeAsync().ConfigureAwait(false);
        }

        Directory.Delete(directory, recursive: true);
    }

    private async Task<TurnServer> StartAsync(string name, string configuration, CancellationToken cancellationToken)
    {
        var server = await TurnServer.StartAsync(new MtaServer(directory, options, name) { MoreConfiguration = configuration }, cancellationToken).ConfigureAwait(false);
        started.Add(server);
        return server;
    }

    private async Task NewMailAsync(TurnServer empty, TurnServer full, string name, CancellationToken cancellationToken)
    {
        var (without, with) = await TurnServer.MeasureAsync(empty, full, options.Turns, options.Quick ? 2000 : 10_000, cancellationToken).ConfigureAwait(false);
        verdicts.Note($"{name}, empty queue", Statistics.Median(without.Select(m => m.Rate)), "msg/s");
        verdicts.Note($"{name}, {messages} deferred", Statistics.Median(with.Select(m => m.Rate)), "msg/s");
        verdicts.Note($"{name}: CPU a message, empty queue", Statistics.Median(without.Select(m => m.Cpu)) * 1000, "ms");
        verdicts.Note($"{name}: CPU a message, {messages} deferred", Statistics.Median(with.Select(m => m.Cpu)) * 1000, "ms");
        verdicts.AtLeast(
            $"{name}: rate as a part of that with an empty queue",
            Statistics.Median(with.Zip(without, (f, e) => 100 * f.Rate / e.Rate)), 90, "%");
    }

    /// <summary>The dead destination wakes up: a few attempts find out that it is dead, and nobody may walk through its mail again and again.</summary>
    private async Task DeadDestinationAsync(TurnServer empty, TurnServer full, DeferredFill fill, CancellationToken cancellationToken)
    {
        var database = full.Database;
        const string read = "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'deferred_destination_due'";
        const string moved = "SELECT n_tup_del FROM pg_stat_user_tables WHERE schemaname = 'mta_store' AND relname = 'deferred'";
        var (entries, rows) = (await database.NumberAsync(read, cancellationToken).ConfigureAwait(false), await database.NumberAsync(moved, cancellationToken).ConfigureAwait(false));
        await database.ExecuteAsync($"UPDATE mta_store.destination SET next_due = now() WHERE name = '{fill.DeadDestination}'", cancellationToken).ConfigureAwait(false);
        var start = Stopwatch.GetTimestamp();
        await NewMailAsync(empty, full, "with a dead destination due", cancellationToken).ConfigureAwait(false);
        while (Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(60))
        {
            await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken).ConfigureAwait(false);
        }

        var minutes = Stopwatch.GetElapsedTime(start).TotalMinutes;
        verdicts.AtMost("dead destination: index entries read", (await database.NumberAsync(read, cancellationToken).ConfigureAwait(false) - entries) / minutes, 20_000, "/min");
        verdicts.AtMost("dead destination: messages claimed", (await database.NumberAsync(moved, cancellationToken).ConfigureAwait(false) - rows) / minutes, 5000, "/min");
    }
}
