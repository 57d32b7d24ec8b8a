using System.Text;

namespace Mta.Core.Smtp;

/// <summary>The xtext of RFC 3461 section 4, with the = that some clients leave as it is.</summary>
public static class Xtext
{
    /// <summary>Well formed, with no control character coded in it: NUL least of all.</summary>
    public static bool IsValid(ReadOnlySpan<byte> text)
    {
        for (var at = 0; at < text.Length; at++)
        {
            var b = text[at];
            if (b == '+')
            {
                if (at + 2 >= text.Length || !TryHex(text[at + 1], out var high) || !TryHex(text[at + 2], out var low))
                {
                    return false;
                }

                if (((high << 4) | low) is < 32 or 127)
                {
                    return false;
                }

                at += 2;
            }
            else if (b is <= 32 or 127)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The text that is coded; UTF-8. The coded text itself when it is not well formed.</summary>
    public static string Decode(string xtext)
    {
        var coded = Encoding.UTF8.GetBytes(xtext);
        if (!IsValid(coded))
        {
            return xtext;
        }

        var length = 0;
        for (var at = 0; at < coded.Length; at++)
        {
            if (coded[at] == '+' && TryHex(coded[at + 1], out var high) && TryHex(coded[at + 2], out var low))
            {
                coded[length++] = (byte)((high << 4) | low);
                at += 2;
            }
            else
            {
                coded[length++] = coded[at];
            }
        }

        return Encoding.UTF8.GetString(coded.AsSpan(0, length));
    }

    private static bool TryHex(byte b, out int value)
    {
        value = b switch
        {
            >= (byte)'0' and <= (byte)'9' => b - '0',
            >= (byte)'A' and <= (byte)'F' => b - 'A' + 10,
            >= (byte)'a' and <= (byte)'f' => b - 'a' + 10,
            _ => -1,
        };
        return value >= 0;
    }
}
