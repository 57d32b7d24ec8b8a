using Mta.Core.Queue;
using Mta.Core.Smtp;
using Mta.Services.Clients;
using Mta.Storage;

namespace Mta.Services.Smtpd;

/// <summary>
/// The state of one mail transaction, from MAIL to the end of the message. One object serves a session's transactions in turn.
/// </summary>
internal sealed class MailTransaction
{
    private const int LongestFromPrefix = 64;

    public MailParameters Parameters { get; } = new();

    /// <summary>MAIL was accepted.</summary>
    public bool IsActive { get; private set; }

    /// <summary>In internal form.</summary>
    public string Sender { get; private set; } = "";

    /// <summary>The recipient of the command under way, else of the last one: for the log.</summary>
    public string? Recipient { get; set; }

    /// <summary>Recipients accepted so far.</summary>
    public int RecipientCount { get; private set; }

    /// <summary>RCPT commands refused because there were too many.</summary>
    public int Overshoot { get; set; }

    /// <summary>The message in cleanup: from the first accepted recipient on.</summary>
    public ICleanupTransaction? Message { get; private set; }

    /// <summary>What access tables ask for the message.</summary>
    public TransactionRules Rules { get; } = new();

    /// <summary>Bytes of content as on the wire, dot-stuffing not counted.</summary>
    public long Size { get; private set; }

    /// <summary>The content is larger than message_size_limit.</summary>
    public bool TooBig { get; private set; }

    /// <summary>The store failed while the content came in; the rest is thrown away and the client is told at the end.</summary>
    public bool WriteFailed { get; private set; }

    /// <summary>A line of the content ended with LF alone.</summary>
    public bool SawBareLf { get; set; }

    /// <summary>BDAT has begun: DATA, MAIL and RCPT are out of order until the message ends.</summary>
    public bool InChunks { get; set; }

    /// <summary>A chunk was refused; the rest is thrown away.</summary>
    public bool ChunksFailed { get; set; }

    /// <summary>What XFORWARD said of the message's origin, before MAIL; null when nothing.</summary>
    public ForwardedOrigin? Forwarded { get; set; }

    /// <summary>Keeps half of a line end from one chunk to the next.</summary>
    public ChunkDecoder Chunks;

    private bool firstLineSeen;

    /// <summary>Enough of the content's start is there to see whether it is a From line.</summary>
    public static bool ShowsFirstLine(ReadOnlySpan<byte> start) =>
        start.Length > 0 && (start[0] is not ((byte)'>' or (byte)'F') || start.Length > LongestFromPrefix || start.Contains((byte)'\n'));

    public void Begin(string sender)
    {
        IsActive = true;
        Sender = sender;
    }

    /// <summary>Opens the message in cleanup; the client's mail has a queue id from here on.</summary>
    public void Open(ICleanupTransaction message) => Message = message;

    public void AddRecipient(string address, RecipientParameters parameters)
    {
        Message!.AddRecipient(address, parameters.Notify, parameters.OriginalRecipient);
        Recipient = address;
        RecipientCount++;
    }

    /// <summary>The content begins: headers of our own go before it, and the message learns what access tables ask for it.</summary>
    /// <param name="received">The Received header.</param>
    public void BeginContent(string received)
    {
        Rules.BeginMessage(Message!);
        Message!.PrependHeader(received);
    }

    /// <summary>Takes converted content. What is above the limit is counted and thrown away.</summary>
    /// <param name="wireSize">Its bytes on the wire: those of the content and one more for each line end.</param>
    public void Take(ReadOnlySpan<byte> content, long wireSize, long limit)
    {
        Size += wireSize;
        TooBig |= limit > 0 && Size > limit;
        if (TooBig || WriteFailed || content.IsEmpty)
        {
            return;
        }

        if (!firstLineSeen)
        {
            firstLineSeen = true;
            FixFirstLine(content);
        }

        Message!.Append(content);
    }

    /// <summary>Lets a large message flow into the store.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        if (WriteFailed)
        {
            return;
        }

        try
        {
            await Message!.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException)
        {
            WriteFailed = true;
        }
    }

    /// <summary>Ends the message: an answer in every case, whatever the store does.</summary>
    public async ValueTask<CleanupResult> FinishAsync(CancellationToken cancellationToken)
    {
        if (WriteFailed)
        {
            return new CleanupResult(CleanupOutcome.WriteError);
        }

        Rules.ApplyTo(Message!);
        try
        {
            return await Message!.FinishAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException)
        {
            return new CleanupResult(CleanupOutcome.WriteError);
        }
    }

    /// <summary>The message was finished or is given up; cleanup discards what was not finished.</summary>
    public ValueTask ResetAsync()
    {
        var message = Message;
        IsActive = false;
        Sender = "";
        Recipient = null;
        RecipientCount = 0;
        Overshoot = 0;
        Message = null;
        Size = 0;
        TooBig = false;
        SawBareLf = false;
        WriteFailed = false;
        InChunks = false;
        ChunksFailed = false;
        Forwarded = null;
        Chunks = default;
        firstLineSeen = false;
        Rules.Clear();
        return message is null ? default : message.DisposeAsync();
    }

    // A mailbox file's From line is no header, but has to survive; content that begins with white space has no headers.
    private void FixFirstLine(ReadOnlySpan<byte> content)
    {
        if (content[0] is (byte)' ' or (byte)'\t')
        {
            Message!.Append("\n"u8);
        }
        else if (content[content.IndexOfAnyExcept((byte)'>') is > 0 and var skip ? skip.. : 0..].StartsWith("From "u8))
        {
            Message!.Append("X-Mailbox-Line: "u8);
        }
    }
}
