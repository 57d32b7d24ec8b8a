using Mta.Core.Smtp;

namespace Mta.Services.Smtpd;

/// <summary>What the check of a command found in its arguments, for its other half.</summary>
internal struct ParsedCommand
{
    /// <summary>In internal form.</summary>
    public string Address;

    /// <summary>Text of HELO, VRFY or ETRN; the path of MAIL or RCPT as written, for a warning.</summary>
    public string Text;

    public RecipientParameters Recipient;

    /// <summary>What XCLIENT or XFORWARD say.</summary>
    public List<ForwardedAttribute> Attributes;

    public long ChunkSize;

    public bool LastChunk;
}
