using System.Diagnostics;
using System.Globalization;

namespace Mta.Benchmarks;

/// <summary>Takes the measurements in turns, one server after the other, so that a machine that gets slower or faster meets both.</summary>
internal sealed class Bench : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(15);

    private readonly BenchmarkOptions options;
    private readonly string directory;
    private readonly List<MailServer> servers = [];
    private readonly List<MailServer> started = [];
    private readonly List<Measurement> results = [];

    public Bench(BenchmarkOptions options)
    {
        this.options = options;

        directory = NewDirectory();
        if (!options.WithoutMta)
        {
            servers.Add(new MtaServer(directory, options));
        }

        if (options.VersusPostfix)
        {
            servers.Add(new PostfixServer(directory));
        }
    }

    public static string NewDirectory()
    {
        var directory = Directory.CreateTempSubdirectory("mta-bench-").FullName;

        // Servers that drop privileges have to get in.
        File.SetUnixFileMode(directory, (UnixFileMode)0b111_101_101);
        return directory;
    }

    public async Task<IReadOnlyList<Measurement>> RunAsync(CancellationToken cancellationToken)
    {
        foreach (var server in servers)
        {
            Say($"starting {server.Name}");
            await server.StartAsync(cancellationToken).ConfigureAwait(false);
            started.Add(server);

            // Processes are started, and code is compiled for good, before anything counts.
            await LoadAsync(server, 4096, 20, options.Quick ? 200 : 5000, record: false, cancellationToken).ConfigureAwait(false);
        }

        for (var turn = 1; turn <= options.Turns; turn++)
        {
            await TurnAsync(turn, cancellationToken).ConfigureAwait(false);
        }

        foreach (var server in servers)
        {
            if (options.Parts.Contains("memory"))
            {
                await MemoryAsync(server, cancellationToken).ConfigureAwait(false);
            }

            if (options.Parts.Contains("backlog"))
            {
                await BacklogAsync(server, cancellationToken).ConfigureAwait(false);
            }
        }

        return results;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in started)
        {
            try
            {
                await server.StopAsync().ConfigureAwait(false);
            }
            catch (BenchmarkException e)
            {
                Say(e.Message);
            }
        }

        if (started.Count == servers.Count)
        {
            Directory.Delete(directory, recursive: true);
        }
        else
        {
            Say($"logs are kept in {directory}");
        }
    }

    private async Task TurnAsync(int turn, CancellationToken cancellationToken)
    {
        if (options.Parts.Contains("load"))
        {
            foreach (var size in options.Sizes)
            {
                foreach (var sessions in options.Sessions)
                {
                    foreach (var server in servers)
                    {
                        Say($"turn {turn}: {server.Name}, {size} bytes, {sessions} sessions");
                        await LoadAsync(server, size, sessions, options.Messages(size, sessions), record: true, cancellationToken).ConfigureAwait(false);
                    }
                }
            }
        }

        if (options.Parts.Contains("latency"))
        {
            foreach (var server in servers)
            {
                Say($"turn {turn}: {server.Name}, one message alone");
                var latencies = await LatencyProbe.MeasureAsync(server, options.Quick ? 20 : 200, 4096, cancellationToken).ConfigureAwait(false);
                Record(server, "one message alone: end of data to 250", "ms", Statistics.Median(latencies.Select(l => l.Accepted)) * 1000);
                Record(server, "one message alone: end of data to arrival", "ms", Statistics.Median(latencies.Select(l => l.Arrived)) * 1000);
            }
        }
    }

    private async Task LoadAsync(MailServer server, int size, int sessions, int messages, bool record, CancellationToken cancellationToken)
    {
        await using var sink = new MailSink(server.SinkPort);
        var all = sink.WaitAsync(messages, Limit, cancellationToken);
        var before = ProcessGroup.CpuSeconds(server.AllProcesses);
        var start = Stopwatch.GetTimestamp();
        await SendAsync(server, size, sessions, messages, cancellationToken).ConfigureAwait(false);
        var sent = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var arrived = Stopwatch.GetElapsedTime(start, await all.ConfigureAwait(false)).TotalSeconds;

        // What is written after the last arrival (log, finished rows) is part of the price.
        await Task.Delay(TimeSpan.FromMilliseconds(500), cancellationToken).ConfigureAwait(false);
        var cpu = ProcessGroup.CpuSeconds(server.AllProcesses) - before;
        if (record)
        {
            var scenario = string.Create(CultureInfo.InvariantCulture, $"{size / 1024} KB, {sessions} session{(sessions == 1 ? "" : "s")}: ");
            Record(server, scenario + "ingest", "msg/s", messages / sent);
            Record(server, scenario + "end to end", "msg/s", messages / arrived);
            Record(server, scenario + "CPU a message", "ms", cpu * 1000 / messages);
        }
    }

    // Walking the memory maps of 200 processes costs what it measures: so not during a load whose rate counts.
    private async Task MemoryAsync(MailServer server, CancellationToken cancellationToken)
    {
        Say($"{server.Name}: memory at 100 sessions");
        var messages = options.Quick ? 500 : 10_000;
        await using var sink = new MailSink(server.SinkPort);
        var all = sink.WaitAsync(messages, Limit, cancellationToken);
        var sending = SendAsync(server, 4096, 100, messages, cancellationToken);
        long own = 0;
        long together = 0;
        do
        {
            own = Math.Max(own, ProcessGroup.ProportionalSize(server.OwnProcesses));
            together = Math.Max(together, ProcessGroup.ProportionalSize(server.AllProcesses));
        }
        while (await Task.WhenAny(all, Task.Delay(250, cancellationToken)).ConfigureAwait(false) != all);

        await sending.ConfigureAwait(false);
        await all.ConfigureAwait(false);
        Record(server, "peak memory (PSS) at 100 sessions", "MB", own / 1e6);
        Record(server, "peak memory (PSS) with its database", "MB", together / 1e6);
    }

    private async Task BacklogAsync(MailServer server, CancellationToken cancellationToken)
    {
        Say($"{server.Name}: backlog of {options.Backlog}");
        var start = Stopwatch.GetTimestamp();
        await SendAsync(server, 4096, 20, options.Backlog, cancellationToken).ConfigureAwait(false);
        Record(server, "backlog: accepted", "msg/s", options.Backlog / Stopwatch.GetElapsedTime(start).TotalSeconds);
        var limit = DateTime.UtcNow + Limit;
        int deferred;
        while ((deferred = await server.CountDeferredAsync(cancellationToken).ConfigureAwait(false)) < options.Backlog)
        {
            if (DateTime.UtcNow > limit)
            {
                throw new BenchmarkException($"{server.Name}: only {deferred} of {options.Backlog} messages are deferred");
            }

            await Task.Delay(TimeSpan.FromSeconds(2), cancellationToken).ConfigureAwait(false);
        }

        start = Stopwatch.GetTimestamp();
        await server.CommandAsync("postqueue", cancellationToken, "-p").ConfigureAwait(false);
        Record(server, "backlog: listed", "s", Stopwatch.GetElapsedTime(start).TotalSeconds);

        await using var sink = new MailSink(server.SinkPort);
        start = Stopwatch.GetTimestamp();
        await server.CommandAsync("postqueue", cancellationToken, "-f").ConfigureAwait(false);
        var drained = await sink.WaitAsync(options.Backlog, Limit, cancellationToken).ConfigureAwait(false);
        Record(server, "backlog: drained", "msg/s", options.Backlog / Stopwatch.GetElapsedTime(start, drained).TotalSeconds);
    }

    /// <summary>Sends by smtp-source, one connection a message, and waits for the last reply.</summary>
    internal static Task SendAsync(MailServer server, int size, int sessions, int messages, CancellationToken cancellationToken)
    {
        var number = CultureInfo.InvariantCulture;
        return Programs.RunAsync(
            Programs.Find("smtp-source"),
            ["-s", sessions.ToString(number), "-m", messages.ToString(number), "-l", size.ToString(number), "-f", "a@example.com", "-t", "b@example.org", $"127.0.0.1:{server.Port}"],
            cancellationToken);
    }

    private void Record(MailServer server, string what, string unit, double value) => results.Add(new Measurement(server.Name, what, unit, value));

    private static void Say(string text) => Console.Error.WriteLine($"bench: {text}");
}
