namespace Mta.Core.Mime;

/// <summary>What may be wrong with a message's structure; only what the options name is looked for.</summary>
[Flags]
public enum MimeErrors : byte
{
    None = 0,
    /// <summary>Multiparts within multiparts deeper than mime_nesting_limit.</summary>
    Nesting = 1,
    /// <summary>Bytes above 127 in a header (RFC 5322 section 2.2).</summary>
    EightBitInHeader = 2,
    /// <summary>Bytes above 127 in a body that is 7bit, said or by default (RFC 2045 section 6.2).</summary>
    EightBitInBody = 4,
    /// <summary>An encoding on a multipart or message (RFC 2045 section 6.4).</summary>
    EncodingDomain = 8,
}

/// <summary>The words for what is wrong, in replies and in the log.</summary>
public static class MimeErrorText
{
    /// <summary>The enhanced status code of all of them (RFC 3463 section 3.7).</summary>
    public const string Dsn = "5.6.0";

    /// <summary>The words for one error, or for the first of several.</summary>
    public static string Of(MimeErrors errors) =>
        (errors & MimeErrors.Nesting) != 0 ? "MIME nesting exceeds safety limit"
        : (errors & MimeErrors.EightBitInHeader) != 0 ? "improper use of 8-bit data in message header"
        : (errors & MimeErrors.EightBitInBody) != 0 ? "improper use of 8-bit data in message body"
        : "invalid message/* or multipart/* encoding domain";
}
