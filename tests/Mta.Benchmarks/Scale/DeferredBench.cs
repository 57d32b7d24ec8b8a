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
    private readonly List<MtaServer> started = [];
    private readonly Verdicts verdicts = new(Console.Out);

    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        DeferredFill.CheckDisk(directory, messages);
        var deadPort = Programs.FreePort();
        var routes = string.Create(CultureInfo.InvariantCulture, $"transport_maps = inline:{{ dead.example=smtp:[127.0.0.1]:{deadPort} }}\nnotify_classes =\n");
        var empty = await StartAsync("empty", routes, cancellationToken).ConfigureAwait(false);
        var full = await StartAsync("full", routes, cancellationToken).ConfigureAwait(false);
        await using var database = new QueueDatabase(full.DatabaseConnection);
        var fill = new DeferredFill(database, deadPort);
        verdicts.Note($"filling {messages} messages", await fill.FillAsync(messages, cancellationToken).ConfigureAwait(false), "s");
        verdicts.Note("size of the database", await database.NumberAsync("SELECT pg_database_size(current_database()) / 1e9", cancellationToken).ConfigureAwait(false), "GB");

        await NewMailAsync(empty, full, "new mail", cancellationToken).ConfigureAwait(false);
        await new ListingBench(full, verdicts).RunAsync(cancellationToken).ConfigureAwait(false);

        // A destination has a thousandth of what is not dead.
        var batches = Math.Clamp((messages / DeferredFill.Destinations / 250) - 1, 1, 20);
        var claims = new ClaimBench(database, full.DatabaseConnection, verdicts);
        await claims.RunAsync("d7.example", batches, "one of many destinations", cancellationToken).ConfigureAwait(false);
        await claims.RunAsync(fill.DeadDestination, Math.Min(100, messages / 5 / 200), "the big destination", cancellationToken).ConfigureAwait(false);
        await using (await HeldSnapshot.OpenAsync(database, cancellationToken).ConfigureAwait(false))
        {
            await claims.RunAsync(fill.DeadDestination, Math.Min(100, messages / 5 / 200), "the same under a held snapshot", cancellationToken).ConfigureAwait(false);
        }

        await new AdministrationBench(full, database, verdicts).RunAsync(Math.Min(100_000, messages / 10), cancellationToken).ConfigureAwait(false);
        await DeadDestinationAsync(empty, full, database, fill, cancellationToken).ConfigureAwait(false);
        verdicts.Print();
        return verdicts.AllKept;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in started)
        {
            await server.StopAsync().ConfigureAwait(false);
        }

        Directory.Delete(directory, recursive: true);
    }

    private async Task<MtaServer> StartAsync(string name, string configuration, CancellationToken cancellationToken)
    {
        Console.Error.WriteLine($"bench: starting {name}");
        var server = new MtaServer(directory, options, name) { MoreConfiguration = configuration };
        await server.StartAsync(cancellationToken).ConfigureAwait(false);
        started.Add(server);
        await RateAsync(server, 5000, cancellationToken).ConfigureAwait(false);
        return server;
    }

    /// <summary>Messages a second from the first connection to the last arrival.</summary>
    private static async Task<double> RateAsync(MtaServer server, int count, CancellationToken cancellationToken)
    {
        await using var sink = new MailSink(server.SinkPort);
        var all = sink.WaitAsync(count, TimeSpan.FromMinutes(5), cancellationToken);
        var start = Stopwatch.GetTimestamp();
        await Bench.SendAsync(server, 4096, 20, count, cancellationToken).ConfigureAwait(false);
        return count / Stopwatch.GetElapsedTime(start, await all.ConfigureAwait(false)).TotalSeconds;
    }

    private async Task NewMailAsync(MtaServer empty, MtaServer full, string name, CancellationToken cancellationToken)
    {
        var rates = new Dictionary<MtaServer, List<double>> { [empty] = [], [full] = [] };
        for (var turn = 0; turn < options.Turns; turn++)
        {
            // Each is the first one every other time.
            foreach (var server in turn % 2 == 0 ? new[] { empty, full } : [full, empty])
            {
                rates[server].Add(await RateAsync(server, options.Quick ? 2000 : 10_000, cancellationToken).ConfigureAwait(false));
            }

            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"bench: turn {turn + 1}: empty {rates[empty][^1]:0} msg/s, full {rates[full][^1]:0} msg/s"));
        }

        verdicts.Note($"{name}, empty queue", Statistics.Median(rates[empty]), "msg/s");
        verdicts.Note($"{name}, {messages} deferred", Statistics.Median(rates[full]), "msg/s");
        verdicts.AtLeast(
            $"{name}: rate as a part of that with an empty queue",
            Statistics.Median(rates[full].Zip(rates[empty], (f, e) => 100 * f / e)), 90, "%");
    }

    /// <summary>The dead destination wakes up: a few attempts find out that it is dead, and nobody may walk through its mail again and again.</summary>
    private async Task DeadDestinationAsync(MtaServer empty, MtaServer full, QueueDatabase database, DeferredFill fill, CancellationToken cancellationToken)
    {
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
