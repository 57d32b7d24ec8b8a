using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Mta.Core.Smtp;

/// <summary>One command line as received, without its line end, divided into verb and arguments in place.</summary>
public readonly ref struct CommandLine
{
    private static readonly SearchValues<byte> VerbEnd = SearchValues.Create(" \t:\r\n\v\f\0"u8);

    public CommandLine(ReadOnlySpan<byte> line)
    {
        var start = line.Length - TrimStart(line).Length;
        var rest = line[start..];
        var end = rest.IndexOfAny(VerbEnd);
        if (end < 0)
        {
            end = rest.Length;
        }
        else if (rest[end] == ':')
        {
            // "Subject: x" is a header, not a command; with its colon no verb is like it.
            end++;
        }

        Verb = rest[..end];
        ArgumentsStart = start + end;
        Arguments = Trim(rest[end..]);
    }

    /// <summary>The first word; empty for an empty line.</summary>
    public ReadOnlySpan<byte> Verb { get; }

    /// <summary>What follows the verb, without white space around it.</summary>
    public ReadOnlySpan<byte> Arguments { get; }

    /// <summary>Where the text after the verb begins in the line.</summary>
    public int ArgumentsStart { get; }

    /// <summary>The verb is <paramref name="name"/> (upper case), in any case of letters.</summary>
    public static bool Is(ReadOnlySpan<byte> verb, ReadOnlySpan<byte> name) => Ascii.EqualsIgnoreCase(verb, name);

    public static bool IsValidUtf8(ReadOnlySpan<byte> line) => Ascii.IsValid(line) || Utf8.IsValid(line);

    /// <summary>The next word of <paramref name="rest"/>, which then begins after it; empty at the end.</summary>
    public static ReadOnlySpan<byte> NextWord(ref ReadOnlySpan<byte> rest)
    {
        rest = TrimStart(rest);
        var end = 0;
        while (end < rest.Length && !IsWhite(rest[end]))
        {
            end++;
        }

        var word = rest[..end];
        rest = rest[end..];
        return word;
    }

    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text)
    {
        text = TrimStart(text);
        while (text.Length > 0 && IsWhite(text[^1]))
        {
            text = text[..^1];
        }

        return text;
    }

    internal static ReadOnlySpan<byte> TrimStart(ReadOnlySpan<byte> text)
    {
        var start = 0;
        while (start < text.Length && IsWhite(text[start]))
        {
            start++;
        }

        return text[start..];
    }

    internal static bool IsWhite(byte b) => b is (byte)' ' or (>= 9 and <= 13);
}
