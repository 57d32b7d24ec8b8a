using System.Text;

namespace Mta.Core.Smtp;

/// <summary>What <see cref="ReplyParser.Parse"/> found.</summary>
public enum ReplyProgress
{
    /// <summary>All input is consumed and the reply is not complete.</summary>
    More,
    /// <summary>The last line of the reply is consumed; what follows belongs to the next reply.</summary>
    Complete,
    /// <summary>A line that is no reply line (RFC 5321 section 4.2) is consumed.</summary>
    Garbage,
    /// <summary>The reply is longer than any server has reason to send.</summary>
    TooLong,
}

/// <summary>
/// Reads the replies of a server out of received bytes, cut anywhere. One parser serves a connection; its buffer is used again, and
/// strings are made only of replies that somebody wants to see.
/// </summary>
public sealed class ReplyParser
{
    /// <summary>What is kept of one reply. EHLO replies of known servers are under 1 KB, rejections with an explanation under 2 KB.</summary>
    private const int KeptBytes = 8192;

    /// <summary>Beyond this a reply is an attack or a broken server.</summary>
    private const int LongestReply = 256 * 1024;

    private readonly byte[] head = new byte[4];
    private byte[] text = new byte[256];
    private int length;
    private int lineStart;
    private int lineBytes;
    private int total;
    private bool complete = true;

    /// <summary>The three digits of the last line.</summary>
    public int Code { get; private set; }

    /// <summary>The lines kept, separated by LF, with their codes.</summary>
    public ReadOnlySpan<byte> Lines => text.AsSpan(0, length);

    private ReadOnlySpan<byte> LastLine => text.AsSpan(lineStart, length - lineStart);

    /// <summary>Consumes input up to the end of the reply. The next call after a complete reply begins a new one.</summary>
    public ReplyProgress Parse(ReadOnlySpan<byte> input, out int consumed)
    {
        if (complete)
        {
            Begin();
        }

        consumed = 0;
        while (consumed < input.Length)
        {
            var rest = input[consumed..];
            var end = rest.IndexOf((byte)'\n');
            var piece = end < 0 ? rest : rest[..end];
            Keep(piece);
            consumed += piece.Length;
            total += piece.Length;
            if (end < 0)
            {
                break;
            }

            consumed++;
            total++;
            if (EndLine() is { } progress)
            {
                return progress;
            }
        }

        return total > LongestReply ? ReplyProgress.TooLong : ReplyProgress.More;
    }

    /// <summary>Forgets an incomplete reply: the connection is at its beginning again.</summary>
    public void Reset() => complete = true;

    /// <summary>The complete reply as a value.</summary>
    public Reply ToReply()
    {
        var chars = Encoding.UTF8.GetString(Lines);
        return new Reply(Code, string.Create(chars.Length, chars, static (result, source) =>
        {
            for (var i = 0; i < result.Length; i++)
            {
                result[i] = source[i] switch
                {
                    '\n' => ' ',
                    < ' ' or '\x7f' => '?',
                    var c => c,
                };
            }
        }), EnhancedCode());
    }

    private void Begin()
    {
        complete = false;
        length = lineStart = lineBytes = total = 0;
    }

    private void Keep(ReadOnlySpan<byte> piece)
    {
        for (var i = 0; lineBytes + i < head.Length && i < piece.Length; i++)
        {
            head[lineBytes + i] = piece[i];
        }

        lineBytes += piece.Length;
        var kept = Math.Min(piece.Length, KeptBytes - length);
        if (length + kept > text.Length)
        {
            Array.Resize(ref text, Math.Min(KeptBytes + 1, Math.Max(2 * text.Length, length + kept)));
        }

        piece[..kept].CopyTo(text.AsSpan(length));
        length += kept;
    }

    private ReplyProgress? EndLine()
    {
        if (length > lineStart && text[length - 1] == '\r')
        {
            length--;
        }

        var size = lineBytes;
        lineBytes = 0;
        var separator = size > 3 ? head[3] : (byte)'\r';
        var coded = size >= 3 && char.IsAsciiDigit((char)head[0]) && char.IsAsciiDigit((char)head[1]) && char.IsAsciiDigit((char)head[2]);
        if (coded && separator is (byte)' ' or (byte)'\r')
        {
            Code = ((head[0] - '0') * 100) + ((head[1] - '0') * 10) + (head[2] - '0');
            complete = true;
            return ReplyProgress.Complete;
        }

        if (length < KeptBytes)
        {
            Keep("\n"u8);
            lineBytes = 0;
        }

        lineStart = length;
        return coded && separator == (byte)'-' ? null : ReplyProgress.Garbage;
    }

    /// <summary>RFC 2034 section 4: the code follows the three digits, and its class is theirs.</summary>
    private string? EnhancedCode()
    {
        var line = LastLine;
        if (line.Length < 9 || line[4] != head[0] || line[4] is not ((byte)'2' or (byte)'4' or (byte)'5') || line[5] != (byte)'.')
        {
            return null;
        }

        var rest = line[6..];
        var subject = Digits(rest);
        if (subject == 0 || subject == rest.Length || rest[subject] != (byte)'.')
        {
            return null;
        }

        var detail = Digits(rest[(subject + 1)..]);
        var end = subject + 1 + detail;
        return detail == 0 || (end < rest.Length && rest[end] != (byte)' ') ? null : Encoding.ASCII.GetString(line.Slice(4, 2 + end));
    }

    private static int Digits(ReadOnlySpan<byte> span)
    {
        var count = 0;
        while (count < 3 && count < span.Length && char.IsAsciiDigit((char)span[count]))
        {
            count++;
        }

        return count;
    }
}
