using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Mta.Benchmarks;

/// <summary>Debian's smtp-sink, whose running counters say how many messages have arrived.</summary>
internal sealed class MailSink : IAsyncDisposable
{
    private readonly Process process;
    private readonly Task reading;
    private readonly Lock gate = new();
    private TaskCompletionSource? reached;
    private int target;
    private long reachedAt;

    public MailSink(int port)
    {
        string[] user = Environment.IsPrivilegedProcess ? ["-u", "nobody"] : [];
        process = Process.Start(new ProcessStartInfo(Programs.Find("smtp-sink"), [.. user, "-c", $"127.0.0.1:{port}", "1000"])
        {
            RedirectStandardOutput = true,
        })!;
        reading = Task.Run(ReadAsync);

        // A server that is refused a few connections rightly gives the destination up for a while.
        while (!Listens(port))
        {
            Thread.Sleep(10);
        }
    }

    public int Messages { get; private set; }

    private static bool Listens(int port)
    {
        try
        {
            using var client = new TcpClient("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>The time (<see cref="Stopwatch.GetTimestamp"/>) at which so many messages had arrived.</summary>
    public async Task<long> WaitAsync(int messages, TimeSpan limit, CancellationToken cancellationToken)
    {
        TaskCompletionSource wait;
        lock (gate)
        {
            target = messages;
            reached = wait = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Check();
        }

        try
        {
            await wait.Task.WaitAsync(limit, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new BenchmarkException($"only {Messages} of {messages} messages arrived within {limit.TotalSeconds:0} s");
        }

        return reachedAt;
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync().ConfigureAwait(false);
        await reading.ConfigureAwait(false);
        process.Dispose();
    }

    // "sess=12 quit=11 mesg=10\r", rewritten each time.
    private async Task ReadAsync()
    {
        var buffer = new char[4096];
        var line = "";
        int read;
        while ((read = await process.StandardOutput.ReadAsync(buffer).ConfigureAwait(false)) > 0)
        {
            line += new string(buffer, 0, read);
            var end = line.LastIndexOf('\r');
            var start = end < 0 ? -1 : line.LastIndexOf("mesg=", end, StringComparison.Ordinal);
            if (start < 0)
            {
                continue;
            }

            lock (gate)
            {
                Messages = int.Parse(line.AsSpan((start + 5)..end).Trim(), CultureInfo.InvariantCulture);
                Check();
            }

            line = line[(end + 1)..];
        }
    }

    private void Check()
    {
        if (reached is not null && Messages >= target)
        {
            reachedAt = Stopwatch.GetTimestamp();
            reached.TrySetResult();
            reached = null;
        }
    }
}
