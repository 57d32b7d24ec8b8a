using Mta.Core.Queue;

namespace Mta.Services.Clients;

public enum CleanupOutcome : byte
{
    Queued = 0,
    /// <summary>552 5.3.4 message file too big.</summary>
    TooBig,
    /// <summary>554 5.4.0 too many hops.</summary>
    TooManyHops,
    /// <summary>550 5.7.1 message content rejected, or the text of the rule.</summary>
    ContentRejected,
    /// <summary>550 5.1.0 no recipients specified.</summary>
    NoRecipients,
    /// <summary>451 4.3.0 queue file write error: the database is away, a table failed, the epoch ended, the commit is not known.</summary>
    WriteError,
    /// <summary>452 4.3.1 insufficient system storage.</summary>
    NoSpace,
    /// <summary>Accepted, and thrown away because a rule says so: for the client the same as queued.</summary>
    Discarded,
}

/// <param name="Text">The text for the client when it is not the standing one of the outcome; null otherwise.</param>
/// <param name="Dsn">The enhanced status code that goes with <paramref name="Text"/>.</param>
public readonly record struct CleanupResult(CleanupOutcome Outcome, string? Text = null, string? Dsn = null)
{
    /// <summary>The client is told that the message is ours.</summary>
    public bool IsAccepted => Outcome is CleanupOutcome.Queued or CleanupOutcome.Discarded;
}

/// <summary>What a message brings along when it is opened.</summary>
public sealed class CleanupRequest
{
    public required string Sender { get; init; }

    /// <summary>Local context (local_header_rewrite_clients, local submission): missing headers are added, addresses completed with $myorigin.</summary>
    public bool LocalContext { get; init; }

    public EnvelopeFlags Flags { get; init; }

    public DsnReturn Return { get; init; }

    public string? EnvelopeId { get; init; }

    public string ClientName { get; init; } = "localhost";

    public string ClientAddress { get; init; } = "127.0.0.1";

    public int ClientPort { get; init; }

    public string Protocol { get; init; } = "";

    public string Helo { get; init; } = "";

    /// <summary>The id to keep (mail from maildrop); default makes a new one.</summary>
    public QueueId Id { get; init; }

    /// <summary>The name of the local user who sends, for a From header that is missing; null when not known.</summary>
    public string? FullName { get; init; }

    /// <summary>The maildrop message that this one replaces, in the same transaction; 0 for none.</summary>
    public long MaildropId { get; init; }

    /// <summary>Header and body checks and strict_* look at it: mail from outside, unless receive_override_options has no_header_body_checks.</summary>
    public bool ChecksContent { get; init; }

    /// <summary>Canonical and virtual alias maps, masquerading and bcc apply; false with no_address_mappings.</summary>
    public bool MapsAddresses { get; init; } = true;

    /// <summary>cleanup_service_name of the receiving service: the one of master.cf's cleanup services that takes the message.</summary>
    public string CleanupService { get; init; } = "cleanup";

    /// <summary>content_filter of the receiving service; null or empty for none.</summary>
    public string? ContentFilter { get; init; }
}

/// <summary>What cleanup(8) does: takes envelope and content, makes a queue message of them, and puts it into the queue.</summary>
public interface ICleanup
{
    /// <summary>Opens a message and gives it its queue id.</summary>
    ICleanupTransaction Begin(CleanupRequest request);
}

/// <summary>One message on its way into the queue. Disposing one that was not finished discards it.</summary>
public interface ICleanupTransaction : IAsyncDisposable
{
    QueueId Id { get; }

    /// <summary>The queue id as text, made once.</summary>
    string IdText { get; }

    /// <summary>What rules ask for the message as a whole.</summary>
    MessageActions Actions { get; }

    /// <summary>Adds an envelope recipient as the client gave it, in internal form.</summary>
    void AddRecipient(string address, DsnNotify notify = DsnNotify.Default, string? originalRecipient = null);

    /// <summary>A header of our own (Received) that goes before the content; without its line end, folded lines separated by LF.</summary>
    void PrependHeader(string header);

    /// <summary>Content with LF line ends, dot-stuffing removed; cut anywhere.</summary>
    void Append(ReadOnlySpan<byte> content);

    /// <summary>Lets a large message flow into the store; completes at once while there is nothing to store. Call it after each network read.</summary>
    ValueTask FlushAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Ends the message. <see cref="CleanupOutcome.Queued"/> only after COMMIT; never cancelled once the commit was sent.
    /// </summary>
    ValueTask<CleanupResult> FinishAsync(CancellationToken cancellationToken);
}
