using System.Collections;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Mta.Core.Lookup;

/// <summary>
/// A pattern of IPv4 addresses as block lists' answers are written: <c>127.0.0.2</c>, <c>127.0.[0..2].[2;4;10..12]</c>. Each of the four
/// places is a number or, in brackets, numbers and ranges.
/// </summary>
public sealed class OctetPattern
{
    private const int Places = 4;

    private readonly BitArray[] places;

    private OctetPattern(BitArray[] places) => this.places = places;

    /// <summary>Reads a whole pattern. Gives what is wrong with it, and where, in Postfix's words; null when nothing is.</summary>
    public static string? Parse(ReadOnlySpan<char> text, out OctetPattern? pattern)
    {
        var places = new BitArray[Places];
        var reader = new Reader(text);
        var problem = text.IsEmpty ? "empty address pattern" : null;
        for (var i = 0; i < Places && problem is null; i++)
        {
            places[i] = new BitArray(256);
            problem = i > 0 && !reader.Take(".") ? reader.Problem("need \".\"") : reader.Place(places[i]);
        }

        problem ??= reader.IsAtEnd ? null : reader.Problem("garbage after pattern");
        pattern = problem is null ? new OctetPattern(places) : null;
        return problem;
    }

    /// <summary>False for an address that is not IPv4.</summary>
    public bool Matches(IPAddress address)
    {
        Span<byte> octets = stackalloc byte[16];
        if (address.AddressFamily != AddressFamily.InterNetwork || !address.TryWriteBytes(octets, out _))
        {
            return false;
        }

        for (var i = 0; i < Places; i++)
        {
            if (!places[i][octets[i]])
            {
                return false;
            }
        }

        return true;
    }

    private ref struct Reader(ReadOnlySpan<char> text)
    {
        private readonly ReadOnlySpan<char> text = text;
        private int at;

        public readonly bool IsAtEnd => at == text.Length;

        public bool Take(ReadOnlySpan<char> token)
        {
            var taken = text[at..].StartsWith(token);
            at += taken ? token.Length : 0;
            return taken;
        }

        /// <summary>A number, or numbers and ranges in brackets.</summary>
        public string? Place(BitArray values)
        {
            if (!Take("["))
            {
                return Number(out var value) ? Add(values, value, value) : Problem("need decimal number 0..255 or \"[\"");
            }

            do
            {
                if (!Number(out var first))
                {
                    return Problem("need decimal number 0..255");
                }

                var last = first;
                if (Take(".."))
                {
                    var start = at;
                    if (!Number(out last))
                    {
                        return Problem("need decimal number 0..255");
                    }

                    if (last < first)
                    {
                        at = start;
                        return Problem("numeric range error");
                    }
                }

                Add(values, first, last);
            }
            while (Take(";"));
            return Take("]") ? null : Problem("need \";\" or \"]\"");
        }

        /// <summary>The reason, and the text with what stands here between arrows.</summary>
        public readonly string Problem(string reason)
        {
            var rest = text[at..];
            var token = rest[..Math.Max(Digits(rest), Math.Min(1, rest.Length))];
            return $"{reason} at \"{text[..at]}>{token}<{rest[token.Length..]}\"";
        }

        private bool Number(out int value)
        {
            var digits = text.Slice(at, Digits(text[at..]));
            var valid = int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value <= 255;
            at += valid ? digits.Length : 0;
            return valid;
        }

        private static int Digits(ReadOnlySpan<char> text)
        {
            var length = text.IndexOfAnyExceptInRange('0', '9');
            return length < 0 ? text.Length : length;
        }

        private static string? Add(BitArray values, int first, int last)
        {
            for (var i = first; i <= last; i++)
            {
                values[i] = true;
            }

            return null;
        }
    }
}
