using System.Diagnostics;

namespace Mta.Benchmarks.Scale;

/// <summary>How soon the first lines of a long listing are there, and what the whole of it costs in memory.</summary>
internal sealed class ListingBench(MailServer server, Verdicts verdicts)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // The first one starts what the others find started.
        await FirstLinesAsync("-j", 10, cancellationToken).ConfigureAwait(false);
        verdicts.AtMost("postqueue -p: its first 1,000 lines", await MedianAsync("-p", 1000, cancellationToken).ConfigureAwait(false), 1, "s");
        verdicts.AtMost("postqueue -j | head: 10 lines", await MedianAsync("-j", 10, cancellationToken).ConfigureAwait(false), 0.5, "s");

        var before = ProcessGroup.ProportionalSize(server.OwnProcesses);
        var start = Stopwatch.GetTimestamp();
        using var process = Process.Start(new ProcessStartInfo(server.CommandPath("postqueue"), ["-c", server.ConfigDirectory, "-j"]) { RedirectStandardOutput = true })!;
        var buffer = new char[65536];
        long lines = 0;
        long tool = 0;
        var most = before;
        for (var reads = 0; ; reads++)
        {
            var read = await process.StandardOutput.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                break;
            }

            lines += buffer.AsSpan(0, read).Count('\n');
            if (reads % 500 == 0)
            {
                tool = Math.Max(tool, ProcessGroup.ProportionalSize([process.Id]));
                most = Math.Max(most, ProcessGroup.ProportionalSize(server.OwnProcesses));
            }
        }

        await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        verdicts.Note("postqueue -j: all of it", Stopwatch.GetElapsedTime(start).TotalSeconds, "s");
        verdicts.Note("postqueue -j: lines", lines, "lines");
        verdicts.AtMost("postqueue -j: memory of the command", tool / 1e6, 100, "MB");
        verdicts.AtMost("postqueue -j: memory that the server needs for it", (most - before) / 1e6, 100, "MB");
    }

    private async Task<double> MedianAsync(string option, int lines, CancellationToken cancellationToken)
    {
        var times = new List<double>();
        for (var i = 0; i < 5; i++)
        {
            times.Add(await FirstLinesAsync(option, lines, cancellationToken).ConfigureAwait(false));
        }

        return Statistics.Median(times);
    }

    private async Task<double> FirstLinesAsync(string option, int lines, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        using var process = Process.Start(new ProcessStartInfo(server.CommandPath("postqueue"), ["-c", server.ConfigDirectory, option]) { RedirectStandardOutput = true })!;
        for (var i = 0; i < lines; i++)
        {
            if (await process.StandardOutput.ReadLineAsync(cancellationToken).ConfigureAwait(false) is null)
            {
                throw new BenchmarkException($"postqueue {option}: only {i} lines");
            }
        }

        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        process.Kill();
        await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        return seconds;
    }
}
