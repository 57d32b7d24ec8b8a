using System.Diagnostics;
using System.Globalization;
using Mta.Benchmarks.Scale;

namespace Mta.Benchmarks.Tables;

/// <summary>
/// The relay rate with virtual_alias_maps and transport_maps of many rows beside the rate without tables, every recipient another one: each
/// message is looked up under keys that no message had before. Postfix reads the same rows by proxy:pgsql: from our database.
/// </summary>
internal sealed class TablesBench(BenchmarkOptions options, int rows) : IAsyncDisposable
{
    private const int Sessions = 100;
    private const double LeastShare = 0.9;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(15);

    private readonly string directory = Bench.NewDirectory();
    private readonly List<MailServer> started = [];
    private readonly Verdicts verdicts = new(Console.Out);
    private readonly TableRows table = new(rows, options.Messages(4096, Sessions));

    /// <summary>False when the rate with tables misses its limit.</summary>
    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        var pairs = new List<(MailServer Plain, MailServer WithTables)>();
        var mta = await StartOwnAsync(cancellationToken).ConfigureAwait(false);
        pairs.Add(mta);
        if (options.VersusPostfix)
        {
            pairs.Add(await StartPostfixAsync((MtaServer)mta.WithTables, cancellationToken).ConfigureAwait(false));
        }

        var rates = pairs.SelectMany(p => new[] { p.Plain, p.WithTables }).ToDictionary(s => s, _ => new List<double>());
        for (var turn = 0; turn <= options.Turns; turn++)
        {
            foreach (var (server, measured) in rates)
            {
                var rate = await LoadAsync(server, turn, cancellationToken).ConfigureAwait(false);

                // The first turn warms up: processes, code, and tables that are read whole.
                if (turn > 0)
                {
                    measured.Add(rate);
                    Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"bench: turn {turn}: {server.Name}: {rate:0} msg/s"));
                }
            }
        }

        foreach (var (plain, withTables) in pairs)
        {
            var (without, with) = (Statistics.Median(rates[plain]), Statistics.Median(rates[withTables]));
            verdicts.Note($"{plain.Name}, end to end", without, "msg/s");
            verdicts.Note($"{withTables.Name}, end to end", with, "msg/s");
            if (plain is MtaServer)
            {
                verdicts.AtLeast($"{withTables.Name}: share of the rate without tables", with / without * 100, LeastShare * 100, "%");
            }
            else
            {
                verdicts.Note($"{withTables.Name}: share of the rate without tables", with / without * 100, "%");
            }
        }

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

    private async Task<(MailServer Plain, MailServer WithTables)> StartOwnAsync(CancellationToken cancellationToken)
    {
        var plain = new MtaServer(directory, options, "mta without tables");
        await StartAsync(plain, cancellationToken).ConfigureAwait(false);
        var files = Path.Combine(directory, "tables");
        var withTables = new MtaServer(directory, options, "mta with tables")
        {
            MoreConfiguration = $"virtual_alias_maps = hash:{files}/virtual\ntransport_maps = hash:{files}/transport\n",
        };
        Directory.CreateDirectory(files);
        await table.WriteFilesAsync(files, withTables.SinkPort, cancellationToken).ConfigureAwait(false);
        await StartAsync(withTables, cancellationToken).ConfigureAwait(false);
        return (plain, withTables);
    }

    private async Task<(MailServer Plain, MailServer WithTables)> StartPostfixAsync(MtaServer database, CancellationToken cancellationToken)
    {
        var plain = new PostfixServer(directory, "postfix without tables");
        await StartAsync(plain, cancellationToken).ConfigureAwait(false);
        var files = Path.Combine(directory, "tables");
        var withTables = new PostfixServer(directory, "postfix with tables")
        {
            MoreConfiguration = $"virtual_alias_maps = proxy:pgsql:{files}/virtual.cf\ntransport_maps = proxy:pgsql:{files}/transport.cf\n",
        };
        await using (var queue = new QueueDatabase(database.DatabaseConnection))
        {
            await table.FillAsync(queue, withTables.SinkPort, cancellationToken).ConfigureAwait(false);
            await TableRows.WriteQueriesAsync(files, queue, cancellationToken).ConfigureAwait(false);
        }

        await StartAsync(withTables, cancellationToken).ConfigureAwait(false);
        return (plain, withTables);
    }

    private async Task StartAsync(MailServer server, CancellationToken cancellationToken)
    {
        Console.Error.WriteLine($"bench: starting {server.Name}");
        await server.StartAsync(cancellationToken).ConfigureAwait(false);
        started.Add(server);
    }

    private async Task<double> LoadAsync(MailServer server, int turn, CancellationToken cancellationToken)
    {
        await using var sink = new MailSink(server.SinkPort);
        var messages = table.BlockSize;
        var all = sink.WaitAsync(messages, Limit, cancellationToken);
        var start = Stopwatch.GetTimestamp();
        var number = CultureInfo.InvariantCulture;
        await Programs.RunAsync(
            Programs.Find("smtp-source"),
            ["-N", "-s", Sessions.ToString(number), "-m", messages.ToString(number), "-l", "4096", "-f", "a@example.com", "-t", table.Recipient(turn), $"127.0.0.1:{server.Port}"],
            cancellationToken).ConfigureAwait(false);
        return messages / Stopwatch.GetElapsedTime(start, await all.ConfigureAwait(false)).TotalSeconds;
    }
}
