using System.Buffers;
using System.Text;

namespace Mta.Core.Smtp;

public enum PathOutcome : byte
{
    Ok,
    /// <summary>There is no address at all: the command has a syntax error.</summary>
    Missing,
    /// <summary>It is no address.</summary>
    Bad,
}

/// <summary>
/// The reverse-path and forward-path of RFC 5321 section 4.1.2, read as leniently as Postfix does: brackets may be missing, comments and
/// source routes (appendix C) are dropped. With strict_rfc821_envelopes only what the RFC allows.
/// </summary>
public static class SmtpPath
{
    private static readonly SearchValues<byte> PlainPath = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~.@"u8);

    /// <summary>Reads the path at the start of <paramref name="text"/>, white space before it allowed.</summary>
    /// <param name="address">In internal (unquoted) form; empty for <c>&lt;&gt;</c>.</param>
    /// <param name="raw">The path as it was written.</param>
    /// <param name="rest">What follows the path: the parameters.</param>
    public static PathOutcome Parse(
        ReadOnlySpan<byte> text, bool strict, out string address, out ReadOnlySpan<byte> raw, out ReadOnlySpan<byte> rest)
    {
        address = "";
        text = CommandLine.TrimStart(text);
        var length = Scan(text, out var closed);
        var path = text[..length];
        raw = path;
        rest = text[length..];
        if (length == 0)
        {
            return PathOutcome.Missing;
        }

        if (!closed)
        {
            return PathOutcome.Bad;
        }

        var inner = path;
        if (path[0] == '<')
        {
            if (path[^1] != '>')
            {
                return PathOutcome.Bad;
            }

            inner = path[1..^1];
        }
        else if (strict)
        {
            return PathOutcome.Bad;
        }

        return TryReadAddress(inner, strict, out address) ? PathOutcome.Ok : PathOutcome.Bad;
    }

    // The length of the word: white space ends it outside of brackets and quotes.
    private static int Scan(ReadOnlySpan<byte> text, out bool closed)
    {
        var quoted = false;
        var bracket = false;
        var at = 0;
        for (; at < text.Length; at++)
        {
            var b = text[at];
            if (b == '\\')
            {
                at++;
            }
            else if (b == '"')
            {
                quoted = !quoted;
            }
            else if (!quoted && b == '<')
            {
                bracket = true;
            }
            else if (!quoted && b == '>')
            {
                bracket = false;
            }
            else if (!quoted && !bracket && CommandLine.IsWhite(b))
            {
                break;
            }
        }

        closed = !quoted && !bracket && at <= text.Length;
        return Math.Min(at, text.Length);
    }

    private static bool TryReadAddress(ReadOnlySpan<byte> text, bool strict, out string address)
    {
        address = "";
        text = CommandLine.Trim(text);
        if (text.IndexOfAnyExcept(PlainPath) < 0 && (text.Length == 0 || text[0] != '@'))
        {
            address = Encoding.ASCII.GetString(text);
            return true;
        }

        if (text.Length > 0 && text[0] == '@' && text.IndexOf((byte)':') is > 0 and var colon)
        {
            text = CommandLine.Trim(text[(colon + 1)..]);
        }

        var buffer = ArrayPool<byte>.Shared.Rent(text.Length);
        var valid = TryUnquote(text, strict, buffer, out var length);
        address = valid ? Encoding.UTF8.GetString(buffer, 0, length) : "";
        ArrayPool<byte>.Shared.Return(buffer);
        return valid;
    }

    private static bool TryUnquote(ReadOnlySpan<byte> text, bool strict, Span<byte> output, out int length)
    {
        length = 0;
        var ended = false;
        for (var at = 0; at < text.Length; at++)
        {
            var b = text[at];
            if (b == '(' && !strict)
            {
                if (!TrySkipComment(text, ref at))
                {
                    return false;
                }

                continue;
            }

            if (CommandLine.IsWhite(b))
            {
                // White space may stand around the specials of an address, not between two words.
                ended = length > 0 && output[length - 1] is not ((byte)'@' or (byte)'.');
                if (strict)
                {
                    return false;
                }

                continue;
            }

            if (ended && b is not ((byte)'@' or (byte)'.'))
            {
                return false;
            }

            ended = false;
            switch (b)
            {
                case (byte)'"':
                    if (!TryCopyQuoted(text, ref at, output, ref length))
                    {
                        return false;
                    }

                    break;
                case (byte)'\\' when at + 1 < text.Length && text[at + 1] is >= 32 and not 127:
                    output[length++] = text[++at];
                    break;
                case < 32 or 127 or (byte)'\\' or (byte)'(' or (byte)')' or (byte)'<' or (byte)'>' or (byte)',' or (byte)';':
                    return false;
                default:
                    output[length++] = b;
                    break;
            }
        }

        return true;
    }

    private static bool TryCopyQuoted(ReadOnlySpan<byte> text, ref int at, Span<byte> output, ref int length)
    {
        for (at++; at < text.Length; at++)
        {
            switch (text[at])
            {
                case (byte)'"':
                    return true;
                case (byte)'\\' when at + 1 < text.Length:
                    at++;
                    break;
            }

            if (text[at] is < 32 or 127)
            {
                return false;
            }

            output[length++] = text[at];
        }

        return false;
    }

    private static bool TrySkipComment(ReadOnlySpan<byte> text, ref int at)
    {
        var depth = 0;
        for (; at < text.Length; at++)
        {
            switch (text[at])
            {
                case (byte)'\\':
                    at++;
                    break;
                case (byte)'(':
                    depth++;
                    break;
                case (byte)')' when --depth == 0:
                    return true;
            }
        }

        return false;
    }
}
