namespace Mta.Services.Mailbox;

/// <summary>How a mailbox file is locked (mailbox_delivery_lock, virtual_mailbox_lock).</summary>
[Flags]
public enum MailboxLocks : byte
{
    None = 0,
    Fcntl = 1,
    Flock = 2,
    Dotlock = 4,
}

/// <summary>One copy of a message to be written: where, for whom, and what goes before the content.</summary>
public sealed record MailboxOrder
{
    /// <summary>The path; a maildir when it ends in <c>/</c>, else an mbox file.</summary>
    public required string Path { get; init; }

    public required uint Uid { get; init; }

    public required uint Gid { get; init; }

    /// <summary>The envelope sender in internal form, for the From_ line of an mbox; empty for the null sender.</summary>
    public required string Sender { get; init; }

    /// <summary>Header lines before the content, each ended by LF: Return-Path, X-Original-To, Delivered-To.</summary>
    public required string Headers { get; init; }

    public MailboxLocks Locks { get; init; } = MailboxLocks.Fcntl | MailboxLocks.Dotlock;

    /// <summary>deliver_lock_attempts.</summary>
    public int LockAttempts { get; init; } = 20;

    /// <summary>deliver_lock_delay.</summary>
    public TimeSpan LockDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>stale_lock_time.</summary>
    public TimeSpan StaleLockTime { get; init; } = TimeSpan.FromSeconds(500);

    /// <summary>The size in bytes that no mbox and no maildir file may exceed (mailbox_size_limit, virtual_mailbox_limit); 0 for none.</summary>
    public long SizeLimit { get; init; }

    /// <summary>strict_mailbox_ownership: an mbox that belongs to someone else is not written.</summary>
    public bool StrictOwnership { get; init; } = true;

    public bool IsMaildir => Path.EndsWith('/');
}

/// <summary>What became of the copy.</summary>
/// <param name="Dsn">2.0.0, or the status of RFC 3463 whose first digit says whether to try again.</param>
/// <param name="Reason">Why it failed; the agent puts its own words before it. Empty when delivered.</param>
/// <param name="Warning">What the administrator is to know beside, one warning a line; null when nothing.</param>
public readonly record struct MailboxResult(string Dsn, string Reason = "", string? Warning = null)
{
    public static MailboxResult Delivered => new("2.0.0");

    public bool IsDelivered => Dsn[0] == '2';

    public bool IsTemporary => Dsn[0] == '4';
}
