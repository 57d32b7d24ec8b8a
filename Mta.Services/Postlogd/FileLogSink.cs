using Microsoft.Win32.SafeHandles;
using Mta.Services.Net;

namespace Mta.Services.Postlogd;

/// <summary>
/// Lines to a file (maillog_file) or to standard output. A file that was renamed or removed (logrotate) is noticed within a second and
/// opened anew under its name; several processes may append to one file.
/// </summary>
public sealed class FileLogSink : BufferedLogSink
{
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(1);

    private readonly TimeProvider time;
    private readonly string? path;
    private readonly Func<string, SafeFileHandle> open;
    private SafeFileHandle handle;
    private long lastCheck;

    private FileLogSink(TimeProvider time, LinePrefix prefix, string? path, SafeFileHandle handle, Func<string, SafeFileHandle> open)
        : base(time, prefix)
    {
        this.time = time;
        this.path = path;
        this.handle = handle;
        this.open = open;
        lastCheck = time.GetTimestamp();
    }

    /// <summary>Opens the file; throws when that is not possible.</summary>
    /// <param name="open">Opens the file for appending, in a way of the caller's (a privileged process may do it); null opens it here.</param>
    internal static FileLogSink Create(TimeProvider time, LinePrefix prefix, string path, UnixFileMode mode, Func<string, SafeFileHandle>? open)
    {
        open ??= p => OpenForAppend(p, mode);
        return new FileLogSink(time, prefix, path, open(path), open);
    }

    /// <summary>An open descriptor that is never opened again: standard output.</summary>
    internal static FileLogSink Create(TimeProvider time, LinePrefix prefix, SafeFileHandle handle) =>
        new(time, prefix, null, handle, _ => throw new InvalidOperationException("not a file with a name"));

    /// <summary>Opens or makes a log file for appending. Throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.</summary>
    public static SafeFileHandle OpenForAppend(string path, UnixFileMode mode)
    {
        if (Libc.OpenAppend(path, (int)mode) is { } opened)
        {
            return opened;
        }

        throw Libc.LastError($"open {path}");
    }

    public override void Reopen()
    {
        if (path is null)
        {
            return;
        }

        try
        {
            var renewed = open(path);
            var old = Interlocked.Exchange(ref handle, renewed);
            old.Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The old file goes on being written; what could not be opened is tried again at the next check.
        }
    }

    protected override void WriteLines(ReadOnlySpan<byte> lines)
    {
        if (path is not null && time.GetElapsedTime(lastCheck) >= CheckInterval)
        {
            lastCheck = time.GetTimestamp();
            if (!Libc.IsSameFile(handle, path))
            {
                Reopen();
            }
        }

        // A full disk loses lines, as with every log; the next ones are tried again.
        Libc.WriteAll(handle, lines);
    }

    protected override void Close()
    {
        if (path is not null)
        {
            handle.Dispose();
        }
    }
}
