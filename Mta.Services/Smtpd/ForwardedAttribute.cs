using System.Text;
using Mta.Core.Smtp;

namespace Mta.Services.Smtpd;

/// <summary>One <c>NAME=value</c> of XCLIENT or XFORWARD (Postfix's XCLIENT_README and XFORWARD_README).</summary>
/// <param name="Value">Null where there is none.</param>
/// <param name="IsTooLong">The value as it came is longer than a host name may be.</param>
internal readonly record struct ForwardedAttribute(string Name, string? Value, bool IsTooLong)
{
    /// <summary>What is special in headers.</summary>
    private const string Special = " <>()\\\";@";

    private const int LongestValue = 255;

    public static readonly ServerReply Expected = new("501 5.5.4 Error: attribute=value expected");
    public static readonly ServerReply TooLong = new("501 5.5.4 Error: attribute value too long");

    public bool IsUnavailable => Is(Value, "[UNAVAILABLE]");

    public bool IsTemporarilyUnavailable => Is(Value, "[TEMPUNAVAIL]");

    /// <summary>The value without what is special in headers.</summary>
    public string Neutered => Neuter(Value!, Special);

    /// <summary>The refusal when there is no value that can be looked at.</summary>
    public ServerReply? Refusal => string.IsNullOrEmpty(Value) ? Expected : IsTooLong ? TooLong : null;

    public bool HasName(string name) => Is(Name, name);

    public static ServerReply Bad(string name, string value) => new($"501 5.5.4 Bad {name} syntax: {value}");

    public ServerReply Unknown(string verb) => new($"501 5.5.4 Bad {verb} attribute name: {Name}");

    /// <summary>Reads all that stands behind the verb.</summary>
    public static List<ForwardedAttribute> Read(ReadOnlySpan<byte> arguments)
    {
        var attributes = new List<ForwardedAttribute>();
        foreach (var range in arguments.SplitAny(" \t"u8))
        {
            var word = arguments[range];
            if (!word.IsEmpty)
            {
                var equals = word.IndexOf((byte)'=');
                var value = equals < 0 ? default : word[(equals + 1)..];
                attributes.Add(new ForwardedAttribute(
                    Printable(equals < 0 ? word : word[..equals]), equals < 0 ? null : Printable(Decode(value)), value.Length > LongestValue));
            }
        }

        return attributes;
    }

    public static string Neuter(string text, string special)
    {
        return text.AsSpan().IndexOfAny(special) < 0 ? text : string.Create(text.Length, (text, special), static (target, source) =>
        {
            for (var i = 0; i < target.Length; i++)
            {
                target[i] = source.special.Contains(source.text[i], StringComparison.Ordinal) ? '?' : source.text[i];
            }
        });
    }

    // Old clients send text that is not coded; what is not well formed is taken as that.
    private static ReadOnlySpan<byte> Decode(ReadOnlySpan<byte> xtext)
    {
        if (!xtext.Contains((byte)'+'))
        {
            return xtext;
        }

        var decoded = new byte[xtext.Length];
        var length = 0;
        for (var at = 0; at < xtext.Length; at++)
        {
            if (xtext[at] != '+')
            {
                decoded[length++] = xtext[at];
                continue;
            }

            if (at + 2 >= xtext.Length || !char.IsAsciiHexDigit((char)xtext[at + 1]) || !char.IsAsciiHexDigit((char)xtext[at + 2]))
            {
                return xtext;
            }

            decoded[length++] = (byte)((Digit(xtext[at + 1]) << 4) | Digit(xtext[at + 2]));
            at += 2;
        }

        return decoded.AsSpan(0, length);
    }

    private static int Digit(byte hex) => hex <= '9' ? hex - '0' : (hex | 0x20) - 'a' + 10;

    private static string Printable(ReadOnlySpan<byte> text)
    {
        var characters = Encoding.UTF8.GetString(text).ToCharArray();
        for (var i = 0; i < characters.Length; i++)
        {
            if (char.IsControl(characters[i]) || characters[i] == '\uFFFD')
            {
                characters[i] = '?';
            }
        }

        return new string(characters);
    }

    private static bool Is(string? text, string word) => string.Equals(text, word, StringComparison.OrdinalIgnoreCase);
}
