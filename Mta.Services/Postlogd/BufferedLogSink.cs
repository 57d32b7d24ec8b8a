using System.Globalization;
using System.Text;
using Mta.Services.Clients;

namespace Mta.Services.Postlogd;

/// <summary>
/// Gathers lines in a buffer under a short lock; what has gathered is written a few milliseconds after its first line, or at once when
/// it is much. So a busy node makes a few hundred writes a second, not one for each line, and no caller waits for a disk.
/// </summary>
public abstract class BufferedLogSink : ILogSink, IAsyncDisposable
{
    /// <summary>The most bytes that wait for a file or a log daemon that does not take them; lines above that are lost, and counted.</summary>
    private const int MaxWaiting = 8 * 1024 * 1024;

    private const int WriteAtOnce = 128 * 1024;
    private static readonly TimeSpan GatherTime = TimeSpan.FromMilliseconds(5);

    private readonly Lock gate = new();
    private readonly Lock writing = new();
    private readonly LinePrefix prefix;
    private readonly ITimer timer;
    private byte[] buffer = new byte[64 * 1024];
    private byte[] spare = new byte[64 * 1024];
    private int used;
    private long lost;
    private bool scheduled;

    private protected BufferedLogSink(TimeProvider time, LinePrefix prefix)
    {
        this.prefix = prefix;
        timer = time.CreateTimer(static sink => ((BufferedLogSink)sink!).Flush(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text)
    {
        lock (gate)
        {
            var needed = used + prefix.MaxLength(tag) + text.Length + 16;
            if (needed > MaxWaiting)
            {
                lost++;
                return;
            }

            if (needed > buffer.Length)
            {
                Array.Resize(ref buffer, Math.Max(buffer.Length * 2, needed));
            }

            used += WritePriority(severity, buffer.AsSpan(used));
            used += prefix.Write(tag, buffer.AsSpan(used));
            text.CopyTo(buffer.AsSpan(used));
            used += text.Length;
            buffer[used++] = (byte)'\n';
            if (!scheduled)
            {
                scheduled = true;
                timer.Change(GatherTime, Timeout.InfiniteTimeSpan);
            }
            else if (used >= WriteAtOnce && used - text.Length < WriteAtOnce)
            {
                timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>Writes what has gathered.</summary>
    public void Flush()
    {
        lock (writing)
        {
            int length;
            byte[] lines;
            lock (gate)
            {
                scheduled = false;
                ReportLost();
                (lines, length) = (buffer, used);
                (buffer, spare, used) = (spare, buffer, 0);
            }

            if (length > 0)
            {
                WriteLines(lines.AsSpan(0, length));
            }
        }
    }

    /// <summary>Opens the file or socket again: after a rotation, or a restart of the log daemon.</summary>
    public virtual void Reopen()
    {
    }

    public async ValueTask DisposeAsync()
    {
        await timer.DisposeAsync().ConfigureAwait(false);
        Flush();
        Close();
        GC.SuppressFinalize(this);
    }

    /// <summary>Whole lines, each with its end. Never throws; called by one thread at a time.</summary>
    protected abstract void WriteLines(ReadOnlySpan<byte> lines);

    protected abstract void Close();

    /// <summary>What stands before the prefix: the priority, in the system log.</summary>
    protected virtual int WritePriority(LogSeverity severity, Span<byte> destination) => 0;

    private void ReportLost()
    {
        if (lost == 0)
        {
            return;
        }

        var text = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"warning: {lost} log lines were lost: the log does not take them fast enough\n"));
        if (used + prefix.MaxLength("postlogd") + text.Length + 16 > buffer.Length)
        {
            return;
        }

        lost = 0;
        used += WritePriority(LogSeverity.Warning, buffer.AsSpan(used));
        used += prefix.Write("postlogd", buffer.AsSpan(used));
        text.CopyTo(buffer.AsSpan(used));
        used += text.Length;
    }
}
