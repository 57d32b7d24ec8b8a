using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Mta.Services.Clients;

namespace Mta.Services.Mailbox;

/// <summary>
/// Writes one message into a maildir: whole and synced under tmp, then renamed into new, so that a reader never sees a part of it.
/// The name is that of maildir(5): <c>time.VdeviceIinodeMmicroseconds.host</c>, unique among the nodes that share the file system.
/// </summary>
internal static class MaildirWriter
{
    private const uint FileMode = 0x180; // 0600
    private const uint DirectoryMode = 0x1C0; // 0700

    // A slash cannot be in a file name and a colon starts the flags: both as octal, as maildir(5) asks.
    private static readonly string Host = System.Net.Dns.GetHostName().Replace("/", "\\057", StringComparison.Ordinal).Replace(":", "\\072", StringComparison.Ordinal);

    private static int lastTemporary;

    /// <summary>Blocks. Failures are <see cref="MailboxFailure"/>, after which nothing is left behind.</summary>
    public static void Write(MailboxOrder order, IMessageContent content, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var name = $"{now.ToUnixTimeSeconds()}.P{Environment.ProcessId}Q{Interlocked.Increment(ref lastTemporary)}.{Host}";
        var temporary = $"{order.Path}tmp/{name}";
        using var file = Create(order, temporary);
        var stored = false;
        try
        {
            Fill(file, order, content, cancellationToken);
            Check(Libc.Stat(file, out var facts), "fstat " + temporary);
            Store(order, temporary, FinalName(now, facts));
            stored = true;
        }
        finally
        {
            if (!stored)
            {
                _ = Libc.Remove(temporary);
            }
        }
    }

    private static SafeFileHandle Create(MailboxOrder order, string temporary)
    {
        const int flags = Libc.WriteOnly | Libc.Create | Libc.Exclusive;
        var error = Libc.Open(temporary, flags, FileMode, out var file);
        if (error == Libc.NotFound)
        {
            error = MakeDirectories(order.Path);
            if (error == Libc.Success)
            {
                error = Libc.Open(temporary, flags, FileMode, out file);
            }
        }

        if (error == Libc.Success)
        {
            return file!;
        }

        var failure = MailboxFailure.Of(error, "create maildir file " + temporary, "4.2.0");
        throw error == Libc.PermissionDenied
            ? new MailboxFailure(failure.Dsn, failure.Message, error)
            {
                Hint = $"maildir access problem for UID/GID={order.Uid}/{order.Gid}: {failure.Message}\nperhaps you need to create the maildirs in advance",
            }
            : failure;
    }

    private static void Fill(SafeFileHandle file, MailboxOrder order, IMessageContent content, CancellationToken cancellationToken)
    {
        using var appender = new FileAppender(file, 0, order.SizeLimit);
        appender.Write(Encoding.UTF8.GetBytes(order.Headers));
        new ContentReader(content).CopyTo(new Verbatim(appender), cancellationToken);
        appender.Commit();
    }

    private static string FinalName(DateTimeOffset now, in FileFacts facts) => string.Create(
        CultureInfo.InvariantCulture,
        $"{now.ToUnixTimeSeconds()}.V{facts.Device:x}I{facts.Inode:x}M{now.Ticks % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMicrosecond}.{Host}");

    private static void Store(MailboxOrder order, string temporary, string name)
    {
        var directory = order.Path + "new";
        var final = $"{directory}/{name}";
        var error = Libc.Rename(temporary, final);
        if (error == Libc.NotFound)
        {
            error = MakeDirectories(order.Path);
            if (error == Libc.Success)
            {
                error = Libc.Rename(temporary, final);
            }
        }

        Check(error, "create maildir file " + final);
        if (Libc.SyncDirectory(directory) is var failed && failed != Libc.Success)
        {
            // Its name may not outlive a crash: it is taken back and delivered again.
            _ = Libc.Remove(final);
            Check(failed, "create maildir file " + final);
        }
    }

    private static int MakeDirectories(string maildir)
    {
        foreach (var part in (ReadOnlySpan<string>)["tmp", "new", "cur"])
        {
            var error = MakeDirectory(maildir + part);
            if (error != Libc.Success)
            {
                return error;
            }
        }

        return Libc.Success;
    }

    // The parents too, and each name is made durable before a message relies on it.
    private static int MakeDirectory(string path)
    {
        var error = Libc.MakeDirectory(path, DirectoryMode);
        var parent = Path.GetDirectoryName(path);
        if (error == Libc.NotFound && !string.IsNullOrEmpty(parent))
        {
            error = MakeDirectory(parent);
            if (error == Libc.Success)
            {
                error = Libc.MakeDirectory(path, DirectoryMode);
            }
        }

        if (error == Libc.Exists)
        {
            return Libc.Success;
        }

        // A parent that we may not read cannot be synced; its owner made it, so it stays.
        if (error == Libc.Success && parent is not null && Libc.SyncDirectory(parent) is var failed && failed is not (Libc.Success or Libc.PermissionDenied))
        {
            return failed;
        }

        return error;
    }

    private static void Check(int error, string what)
    {
        if (error != Libc.Success)
        {
            throw MailboxFailure.Of(error, what, "4.2.0");
        }
    }

    private readonly struct Verbatim(FileAppender appender) : ContentReader.ISink
    {
        public void Write(ReadOnlySpan<byte> part) => appender.Write(part);
    }
}
