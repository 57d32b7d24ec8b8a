namespace Mta.Core.Queue;

/// <summary>RFC 3461 section 4.1: when the sender wants to be told. None set means the default (failure, delay).</summary>
[Flags]
public enum DsnNotify : short
{
    Default = 0,
    Never = 1,
    Success = 2,
    Failure = 4,
    Delay = 8,
}

/// <summary>RFC 3461 section 4.3: what of the message a notification returns.</summary>
public enum DsnReturn : short
{
    Unspecified = 0,
    Full = 1,
    Headers = 2,
}

/// <summary>Properties of a message that decide how it may be delivered or handled.</summary>
[Flags]
public enum EnvelopeFlags
{
    None = 0,
    /// <summary>The client asked for SMTPUTF8, or an address needs it (RFC 6531).</summary>
    SmtpUtf8 = 1,
    /// <summary>BODY=8BITMIME was declared, or the content has bytes above 127.</summary>
    EightBit = 2,
    /// <summary>Made by this system: a notification, or mail that local(8) forwarded.</summary>
    Internal = 4,
    /// <summary>An address verification probe.</summary>
    Probe = 8,
    /// <summary>The administrator asked for its return (postsuper -e or -f).</summary>
    ForceExpire = 16,
    /// <summary>The administrator returns it: nothing is tried, its recipients have the reason.</summary>
    Returned = 32,
}

/// <summary>The envelope of one message without its recipients. Immutable once the message is in the queue.</summary>
public sealed class Envelope
{
    public required QueueId Id { get; init; }

    /// <summary>The envelope sender in internal (unquoted) form; empty for the null sender.</summary>
    public required string Sender { get; init; }

    /// <summary>Bytes of content, with LF line ends.</summary>
    public long Size { get; init; }

    public EnvelopeFlags Flags { get; init; }

    public DsnReturn Return { get; init; }

    /// <summary>ENVID as received, in xtext; null when absent.</summary>
    public string? EnvelopeId { get; init; }

    /// <summary>The client's name, <c>unknown</c> when it does not verify, <c>localhost</c> for local submission.</summary>
    public string ClientName { get; init; } = "localhost";

    public string ClientAddress { get; init; } = "127.0.0.1";

    public int ClientPort { get; init; }

    /// <summary>SMTP, ESMTP, QMQP or empty for local submission.</summary>
    public string Protocol { get; init; } = "";

    public string Helo { get; init; } = "";

    /// <summary>The Message-ID header as found or made, with its angle brackets; null when there is none.</summary>
    public string? MessageId { get; init; }

    /// <summary>transport:nexthop that every recipient goes to (content_filter, FILTER); null when none.</summary>
    public string? Filter { get; init; }

    /// <summary>Recipients that the message had when it was queued.</summary>
    public int RecipientCount { get; init; }
}

/// <summary>One recipient of a queued message.</summary>
public sealed class Recipient
{
    /// <summary>The position within the message, from 0; with the id it names the recipient for ever.</summary>
    public required int Number { get; init; }

    /// <summary>The address mail goes to, in internal (unquoted) form.</summary>
    public required string Address { get; init; }

    /// <summary>The address before rewriting and alias expansion, logged as orig_to when it differs; null when the same.</summary>
    public string? Original { get; init; }

    public DsnNotify Notify { get; init; }

    /// <summary>ORCPT as received (<c>type;xtext</c>); null when absent.</summary>
    public string? OriginalRecipient { get; init; }
}
