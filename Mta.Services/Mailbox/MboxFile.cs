using Microsoft.Win32.SafeHandles;

namespace Mta.Services.Mailbox;

/// <summary>Opens an mbox file with care: a mailbox directory may be writable for the user, or for all.</summary>
internal static class MboxFile
{
    private const uint FileMode = 0x180; // 0600

    // Someone may remove and make the file between our two looks; more often than this it is no accident.
    private const int Attempts = 10;

    /// <summary>The file, opened to append, made when missing. Failures are <see cref="MailboxFailure"/>.</summary>
    public static SafeFileHandle Open(MailboxOrder order)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            // Not blocking: a FIFO in place of the mailbox must not hold us up.
            var error = Libc.Open(order.Path, Libc.WriteOnly | Libc.Append | Libc.NonBlocking | Libc.FlagNoFollow, 0, out var file);
            if (error == Libc.TooManySymbolicLinks)
            {
                error = IsTrustedLink(order.Path)
                    ? Libc.Open(order.Path, Libc.WriteOnly | Libc.Append | Libc.NonBlocking, 0, out file)
                    : throw new MailboxFailure("4.2.0", "file is a symbolic link");
            }
            else if (error == Libc.NotFound)
            {
                error = Libc.Open(order.Path, Libc.WriteOnly | Libc.Append | Libc.Create | Libc.Exclusive, FileMode, out file);
                if (error == Libc.Exists)
                {
                    continue;
                }

                if (error != Libc.Success)
                {
                    throw MailboxFailure.Of(error, "cannot create file exclusively", "4.2.0");
                }
            }

            if (error != Libc.Success)
            {
                throw MailboxFailure.Of(error, "cannot open file", "4.2.0");
            }

            return Checked(order, file!);
        }

        throw new MailboxFailure("4.2.0", "cannot open file: it comes and goes");
    }

    /// <summary>True while the path still names the opened file.</summary>
    public static bool IsCurrent(MailboxOrder order, SafeFileHandle file) =>
        Libc.Stat(file, out var opened) == Libc.Success
        && Libc.Stat(order.Path, follow: true, out var named) == Libc.Success
        && opened.IsSameFile(named);

    private static SafeFileHandle Checked(MailboxOrder order, SafeFileHandle file)
    {
        try
        {
            if (Libc.Stat(file, out var facts) is var error && error != Libc.Success)
            {
                throw MailboxFailure.Of(error, "fstat " + order.Path, "4.2.0");
            }

            if (!facts.IsRegular)
            {
                throw new MailboxFailure("4.3.5", $"destination {order.Path} is not a regular file");
            }

            // A second name may stand where the recipient has no business to write.
            if (facts.Links > 1)
            {
                throw new MailboxFailure("4.2.0", $"file has {facts.Links} hard links");
            }

            if (order.StrictOwnership && facts.Uid != order.Uid)
            {
                throw new MailboxFailure("4.2.0", $"destination {order.Path} is not owned by recipient")
                {
                    Hint = "specify \"strict_mailbox_ownership = no\" to ignore mailbox ownership mismatch",
                };
            }

            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    // A link is an administrator's only where nobody else could have put it.
    private static bool IsTrustedLink(string path) =>
        Libc.Stat(path, follow: false, out var link) == Libc.Success
        && link is { IsSymbolicLink: true, Uid: 0 }
        && Libc.Stat(Path.GetDirectoryName(path) ?? "/", follow: true, out var directory) == Libc.Success
        && directory is { IsDirectory: true, Uid: 0, IsWritableByGroup: false, IsWritableByAll: false };
}
