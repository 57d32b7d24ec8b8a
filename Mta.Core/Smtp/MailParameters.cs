using System.Text;
using Mta.Core.Queue;

namespace Mta.Core.Smtp;

/// <summary>
/// The parameters of one MAIL command: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), RET and ENVID (RFC 3461), AUTH (RFC 4954).
/// </summary>
public sealed class MailParameters
{
    private const int LongestEnvid = 100;

    /// <summary>Bytes as announced; 0 when not.</summary>
    public long Size { get; private set; }

    public EnvelopeFlags Flags { get; private set; }

    public DsnReturn Return { get; private set; }

    /// <summary>As received, in xtext.</summary>
    public string? EnvelopeId { get; private set; }

    /// <summary>Reads the words after the path into this object.</summary>
    /// <returns>The reply that refuses the first bad one; null when all are good.</returns>
    public ServerReply? Parse(ReadOnlySpan<byte> text, EsmtpOptions offered)
    {
        Size = 0;
        Flags = EnvelopeFlags.None;
        Return = DsnReturn.Unspecified;
        EnvelopeId = null;
        for (var word = CommandLine.NextWord(ref text); word.Length > 0; word = CommandLine.NextWord(ref text))
        {
            if (ReadOne(word, offered) is { } refusal)
            {
                return refusal;
            }
        }

        return null;
    }

    internal static ServerReply Unsupported(ReadOnlySpan<byte> word) =>
        new("555 5.5.4 Unsupported option: " + Encoding.UTF8.GetString(word));

    /// <summary>The text after <paramref name="keyword"/> (upper case, with its =).</summary>
    internal static bool TryValue(ReadOnlySpan<byte> word, ReadOnlySpan<byte> keyword, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (word.Length < keyword.Length || !CommandLine.Is(word[..keyword.Length], keyword))
        {
            return false;
        }

        value = word[keyword.Length..];
        return true;
    }

    private ServerReply? ReadOne(ReadOnlySpan<byte> word, EsmtpOptions offered)
    {
        if (TryValue(word, "SIZE="u8, out var value))
        {
            return ReadSize(value);
        }

        if (CommandLine.Is(word, "BODY=8BITMIME"u8) && offered.HasFlag(EsmtpOptions.EightBitMime))
        {
            Flags |= EnvelopeFlags.EightBit;
            return null;
        }

        if (CommandLine.Is(word, "BODY=7BIT"u8) && offered.HasFlag(EsmtpOptions.EightBitMime))
        {
            Flags &= ~EnvelopeFlags.EightBit;
            return null;
        }

        if (CommandLine.Is(word, "SMTPUTF8"u8) && offered.HasFlag(EsmtpOptions.SmtpUtf8))
        {
            Flags |= EnvelopeFlags.SmtpUtf8;
            return null;
        }

        if (TryValue(word, "RET="u8, out value))
        {
            return ReadReturn(value, offered);
        }

        if (TryValue(word, "ENVID="u8, out value))
        {
            return ReadEnvelopeId(value, offered);
        }

        // RFC 4954 section 5: it may come without AUTH before it, and then means nothing.
        return TryValue(word, "AUTH="u8, out _) ? null : Unsupported(word);
    }

    private ServerReply? ReadSize(ReadOnlySpan<byte> digits)
    {
        if (digits.Length == 0 || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
        {
            return ProtocolReplies.BadSize;
        }

        if (!System.Buffers.Text.Utf8Parser.TryParse(digits, out long size, out _))
        {
            return ProtocolReplies.HugeSize;
        }

        Size = size;
        return null;
    }

    private ServerReply? ReadReturn(ReadOnlySpan<byte> value, EsmtpOptions offered)
    {
        if (!offered.HasFlag(EsmtpOptions.Dsn))
        {
            return ProtocolReplies.DsnDisabled;
        }

        Return = CommandLine.Is(value, "FULL"u8) ? DsnReturn.Full
            : CommandLine.Is(value, "HDRS"u8) ? DsnReturn.Headers
            : DsnReturn.Unspecified;
        return Return == DsnReturn.Unspecified ? ProtocolReplies.BadRet : null;
    }

    private ServerReply? ReadEnvelopeId(ReadOnlySpan<byte> value, EsmtpOptions offered)
    {
        if (!offered.HasFlag(EsmtpOptions.Dsn))
        {
            return ProtocolReplies.DsnDisabled;
        }

        // RFC 3461 section 4.4: at most 100 characters, decoded.
        if (value.IsEmpty || !Xtext.IsValid(value) || value.Length - (2 * value.Count((byte)'+')) > LongestEnvid)
        {
            return ProtocolReplies.BadEnvid;
        }

        EnvelopeId = Encoding.UTF8.GetString(value);
        return null;
    }
}
