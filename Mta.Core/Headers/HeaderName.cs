using System.Text;

namespace Mta.Core.Headers;

/// <summary>Header fields that the program treats in a way of their own.</summary>
public enum HeaderName : byte
{
    Other = 0,
    ApparentlyTo,
    Bcc,
    Cc,
    ContentLength,
    ContentTransferEncoding,
    ContentType,
    Date,
    DispositionNotificationTo,
    ErrorsTo,
    From,
    MailFollowupTo,
    MessageId,
    Received,
    ReplyTo,
    ResentBcc,
    ResentCc,
    ResentDate,
    ResentFrom,
    ResentMessageId,
    ResentReplyTo,
    ResentSender,
    ResentTo,
    ReturnPath,
    ReturnReceiptTo,
    Sender,
    To,
}

/// <summary>Recognises header fields, and knows what kinds they are of.</summary>
public static class HeaderNames
{
    /// <summary>Fields whose addresses are completed in local context.</summary>
    private const long Addresses =
        (1L << (int)HeaderName.ApparentlyTo) | (1L << (int)HeaderName.Cc) | (1L << (int)HeaderName.Bcc)
        | (1L << (int)HeaderName.DispositionNotificationTo) | (1L << (int)HeaderName.ErrorsTo) | (1L << (int)HeaderName.From)
        | (1L << (int)HeaderName.MailFollowupTo) | (1L << (int)HeaderName.ReplyTo) | (1L << (int)HeaderName.ResentBcc)
        | (1L << (int)HeaderName.ResentCc) | (1L << (int)HeaderName.ResentFrom) | (1L << (int)HeaderName.ResentReplyTo)
        | (1L << (int)HeaderName.ResentSender) | (1L << (int)HeaderName.ResentTo) | (1L << (int)HeaderName.ReturnPath)
        | (1L << (int)HeaderName.ReturnReceiptTo) | (1L << (int)HeaderName.Sender) | (1L << (int)HeaderName.To);

    /// <summary>RFC 5322 section 3.6.6: fields of a resent message.</summary>
    private const long Resent =
        (1L << (int)HeaderName.ResentBcc) | (1L << (int)HeaderName.ResentCc) | (1L << (int)HeaderName.ResentDate)
        | (1L << (int)HeaderName.ResentFrom) | (1L << (int)HeaderName.ResentMessageId) | (1L << (int)HeaderName.ResentReplyTo)
        | (1L << (int)HeaderName.ResentSender) | (1L << (int)HeaderName.ResentTo);

    /// <summary>Fields whose addresses are the sender's, or where answers go; Resent-Reply-To is none of them in Postfix.</summary>
    private const long Senders =
        (1L << (int)HeaderName.DispositionNotificationTo) | (1L << (int)HeaderName.ErrorsTo) | (1L << (int)HeaderName.From)
        | (1L << (int)HeaderName.MailFollowupTo) | (1L << (int)HeaderName.ReplyTo) | (1L << (int)HeaderName.ResentFrom)
        | (1L << (int)HeaderName.ResentSender) | (1L << (int)HeaderName.ReturnPath)
        | (1L << (int)HeaderName.ReturnReceiptTo) | (1L << (int)HeaderName.Sender);

    public static bool HasAddresses(HeaderName name) => ((Addresses >> (int)name) & 1) != 0;

    /// <summary>Of the fields with addresses: those of senders. The others have recipients.</summary>
    public static bool HasSenders(HeaderName name) => ((Senders >> (int)name) & 1) != 0;

    public static bool IsResent(HeaderName name) => ((Resent >> (int)name) & 1) != 0;

    /// <summary>The field of a name without its colon, in any case of letters.</summary>
    public static HeaderName Find(ReadOnlySpan<byte> name) => name.Length switch
    {
        2 => Is(name, "To"u8, HeaderName.To) | Is(name, "Cc"u8, HeaderName.Cc),
        3 => Is(name, "Bcc"u8, HeaderName.Bcc),
        4 => Is(name, "From"u8, HeaderName.From) | Is(name, "Date"u8, HeaderName.Date),
        6 => Is(name, "Sender"u8, HeaderName.Sender),
        8 => Is(name, "Received"u8, HeaderName.Received) | Is(name, "Reply-To"u8, HeaderName.ReplyTo),
        9 => Is(name, "Resent-To"u8, HeaderName.ResentTo) | Is(name, "Resent-Cc"u8, HeaderName.ResentCc) | Is(name, "Errors-To"u8, HeaderName.ErrorsTo),
        10 => Is(name, "Message-Id"u8, HeaderName.MessageId) | Is(name, "Resent-Bcc"u8, HeaderName.ResentBcc),
        11 => Is(name, "Return-Path"u8, HeaderName.ReturnPath) | Is(name, "Resent-From"u8, HeaderName.ResentFrom)
            | Is(name, "Resent-Date"u8, HeaderName.ResentDate),
        12 => Is(name, "Content-Type"u8, HeaderName.ContentType),
        13 => Is(name, "Resent-Sender"u8, HeaderName.ResentSender) | Is(name, "Apparently-To"u8, HeaderName.ApparentlyTo),
        14 => Is(name, "Content-Length"u8, HeaderName.ContentLength),
        15 => Is(name, "Resent-Reply-To"u8, HeaderName.ResentReplyTo),
        16 => Is(name, "Mail-Followup-To"u8, HeaderName.MailFollowupTo),
        17 => Is(name, "Resent-Message-Id"u8, HeaderName.ResentMessageId) | Is(name, "Return-Receipt-To"u8, HeaderName.ReturnReceiptTo),
        25 => Is(name, "Content-Transfer-Encoding"u8, HeaderName.ContentTransferEncoding),
        27 => Is(name, "Disposition-Notification-To"u8, HeaderName.DispositionNotificationTo),
        _ => HeaderName.Other,
    };

    private static HeaderName Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> known, HeaderName value) =>
        Ascii.EqualsIgnoreCase(name, known) ? value : HeaderName.Other;
}
