using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Mta.Services.Clients;

namespace Mta.Services.Mailbox;

/// <summary>
/// One delivery into an mbox file: lock file, open, lock, append, sync. <see cref="Advance"/> goes as far as it can without waiting
/// for a lock; whoever calls it waits in between and gives up after deliver_lock_attempts.
/// </summary>
internal sealed class MboxDelivery(MailboxOrder order, IMessageContent content, TimeProvider time) : IDisposable
{
    private SafeFileHandle? file;
    private bool hasDotLock;
    private string? obstacle;

    private string LockPath => order.Path + ".lock";

    /// <summary>Blocks for the disk only. True when the message is in the mailbox, false when a lock is held by someone else.</summary>
    public bool Advance(CancellationToken cancellationToken)
    {
        if (!TakeDotLock())
        {
            return false;
        }

        file ??= MboxFile.Open(order);
        if (!TakeFileLock())
        {
            return false;
        }

        // Whoever held the lock may have replaced the file (expunging): a copy in the old one would be lost.
        if (!MboxFile.IsCurrent(order, file))
        {
            file.Dispose();
            file = null;
            obstacle = "cannot open file: it was replaced while it was locked";
            return false;
        }

        Append(file, cancellationToken);
        return true;
    }

    /// <summary>Why the last <see cref="Advance"/> gave false.</summary>
    public MailboxFailure Obstacle => new("4.2.0", obstacle ?? "mailbox is locked");

    /// <summary>Releases the locks; blocks for the disk.</summary>
    public void Dispose()
    {
        file?.Dispose();
        if (hasDotLock)
        {
            DotLock.Release(LockPath);
            hasDotLock = false;
        }
    }

    private bool TakeDotLock()
    {
        if (hasDotLock || !order.Locks.HasFlag(MailboxLocks.Dotlock))
        {
            return true;
        }

        var error = DotLock.TryTake(LockPath, order.StaleLockTime, time);
        hasDotLock = error == Libc.Success;
        if (hasDotLock)
        {
            return true;
        }

        var failure = MailboxFailure.Of(error, "unable to create lock file " + LockPath, "4.2.0");
        obstacle = failure.Message;
        return error == Libc.Exists ? false : throw failure;
    }

    private bool TakeFileLock()
    {
        var error = order.Locks.HasFlag(MailboxLocks.Fcntl) ? Libc.LockByFcntl(file!) : Libc.Success;
        if (error == Libc.Success && order.Locks.HasFlag(MailboxLocks.Flock))
        {
            error = Libc.LockByFlock(file!);
        }

        if (error == Libc.Success)
        {
            return true;
        }

        var failure = MailboxFailure.Of(error, "unable to lock for exclusive access", "4.2.0");
        obstacle = failure.Message;
        return error is Libc.Again or Libc.PermissionDenied ? false : throw failure;
    }

    // As if nothing had been written when it fails: readers take the file as a whole.
    private void Append(SafeFileHandle mailbox, CancellationToken cancellationToken)
    {
        if (Libc.Stat(mailbox, out var before) is var error && error != Libc.Success)
        {
            throw MailboxFailure.Of(error, "fstat " + order.Path, "4.2.0");
        }

        var complete = false;
        try
        {
            using var appender = new FileAppender(mailbox, before.Size, order.SizeLimit);
            appender.Write(Encoding.UTF8.GetBytes(FromLine()));
            appender.Write(Encoding.UTF8.GetBytes(order.Headers));
            var quoter = new FromQuoter(appender);
            new ContentReader(content).CopyTo(quoter, cancellationToken);
            quoter.Finish();
            appender.Commit();
            complete = true;
        }
        finally
        {
            if (!complete)
            {
                _ = Libc.Truncate(mailbox, before.Size);
            }
        }
    }

    // asctime(3) of the local time, as mbox readers expect it.
    private string FromLine()
    {
        var now = time.GetLocalNow();
        var sender = order.Sender.Length == 0 ? "MAILER-DAEMON" : order.Sender;
        return string.Create(CultureInfo.InvariantCulture, $"From {sender}  {now:ddd MMM} {now.Day,2} {now:HH:mm:ss yyyy}\n");
    }
}
