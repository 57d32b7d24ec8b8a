using System.Diagnostics;
using System.Globalization;

namespace Mta.Benchmarks.Scale;

/// <summary>
/// One of two servers that are measured in turns: with one sink for as long as it runs, for a sink that goes away makes a dead destination of
/// itself, and with its database at hand.
/// </summary>
internal sealed class TurnServer : IAsyncDisposable
{
    private const int Sessions = 20;
    private const int MessageSize = 4096;
    private const int WarmUpMessages = 5000;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    private TurnServer(MtaServer server)
    {
        Server = server;
        Sink = new MailSink(server.SinkPort);
        Database = new QueueDatabase(server.DatabaseConnection);
    }

    public MtaServer Server { get; }

    public MailSink Sink { get; }

    public QueueDatabase Database { get; }

    public static async Task<TurnServer> StartAsync(MtaServer server, CancellationToken cancellationToken)
    {
        Console.Error.WriteLine($"bench: starting {server.Name}");
        await server.StartAsync(cancellationToken).ConfigureAwait(false);
        var turn = new TurnServer(server);

        // Processes are started, and code is compiled for good, before anything counts.
        await turn.LoadAsync(WarmUpMessages, cancellationToken).ConfigureAwait(false);
        return turn;
    }

    /// <summary>Each is the first one every other time; a turn that does not count comes before.</summary>
    public static async Task<(List<Measured> First, List<Measured> Second)> MeasureAsync(
        TurnServer first, TurnServer second, int turns, int messages, CancellationToken cancellationToken)
    {
        var results = new Dictionary<TurnServer, List<Measured>> { [first] = [], [second] = [] };
        for (var turn = 0; turn <= turns; turn++)
        {
            foreach (var server in turn % 2 == 0 ? new[] { first, second } : [second, first])
            {
                var measured = await server.LoadAsync(messages, cancellationToken).ConfigureAwait(false);
                if (turn > 0)
                {
                    results[server].Add(measured);
                    Console.Error.WriteLine(string.Create(
                        CultureInfo.InvariantCulture, $"bench: turn {turn}: {server.Server.Name}: {measured.Rate:0} msg/s, {measured.Cpu * 1000:0.000} ms of CPU a message"));
                }
            }
        }

        return (results[first], results[second]);
    }

    /// <summary>Nothing is on its way any more, and nobody cleans up: what is measured next is not about what was before.</summary>
    public async Task WaitUntilIdleAsync(CancellationToken cancellationToken)
    {
        const string busy =
            """
            SELECT (SELECT count(*) FROM mta_store.active) + (SELECT count(*) FROM mta_store.incoming) + (SELECT count(*) FROM mta_store.maildrop)
                + (SELECT count(*) FROM mta_store.destination d WHERE d.next_due <= now()) + (SELECT count(*) FROM pg_stat_progress_vacuum)
            """;
        var start = Stopwatch.GetTimestamp();
        while (await Database.NumberAsync(busy, cancellationToken).ConfigureAwait(false) is > 0 and var left)
        {
            if (Stopwatch.GetElapsedTime(start) > Limit)
            {
                throw new BenchmarkException($"{Server.Name} is still busy with {left} things after {Limit.TotalMinutes:0} minutes");
            }

            await Task.Delay(500, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>As a database is that has run for a while: cleaned, analyzed, and written to its files.</summary>
    public async Task SettleAsync(CancellationToken cancellationToken)
    {
        await Database.ExecuteAsync("VACUUM (ANALYZE)", cancellationToken).ConfigureAwait(false);
        await Database.ExecuteAsync("CHECKPOINT", cancellationToken).ConfigureAwait(false);
        await WaitUntilIdleAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.StopAsync().ConfigureAwait(false);
        await Sink.DisposeAsync().ConfigureAwait(false);
        await Database.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>From the first connection to the last arrival; CPU with what is written afterwards.</summary>
    private async Task<Measured> LoadAsync(int messages, CancellationToken cancellationToken)
    {
        var all = Sink.WaitAsync(Sink.Messages + messages, Limit, cancellationToken);
        var cpu = ProcessGroup.CpuSeconds(Server.AllProcesses);
        var start = Stopwatch.GetTimestamp();
        await Bench.SendAsync(Server, MessageSize, Sessions, messages, cancellationToken).ConfigureAwait(false);
        var seconds = Stopwatch.GetElapsedTime(start, await all.ConfigureAwait(false)).TotalSeconds;
        await Task.Delay(500, cancellationToken).ConfigureAwait(false);
        return new Measured(messages / seconds, (ProcessGroup.CpuSeconds(Server.AllProcesses) - cpu) / messages);
    }

    /// <param name="Rate">Messages a second.</param>
    /// <param name="Cpu">Seconds a message, of the server and its database.</param>
    public readonly record struct Measured(double Rate, double Cpu);
}
