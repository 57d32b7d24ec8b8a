using System.Globalization;
using System.Text;

namespace Mta.Core.Lookup.Patterns;

/// <summary>Writes a bracket expression of .NET from the parts of another dialect's.</summary>
internal static class CharacterSet
{
    public const string Word = "A-Za-z0-9_";

    /// <summary>Where a word of ASCII begins or ends; <c>\b</c> of .NET knows more letters.</summary>
    public const string WordBoundary = $"(?:(?<=[{Word}])(?![{Word}])|(?<![{Word}])(?=[{Word}]))";
    public const string NoWordBoundary = $"(?:(?<=[{Word}])(?=[{Word}])|(?<![{Word}])(?![{Word}]))";
    public const string Space = @" \t\n\v\f\r";
    public const string Blank = @" \t\u00a0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000";
    public const string LineEnds = @"\n\v\f\r\u0085\u2028\u2029";

    /// <summary>The classes of <c>[:name:]</c>, of ASCII as in the C locale that Postfix runs in.</summary>
    public static string? OfClass(ReadOnlySpan<char> name) => name switch
    {
        "alpha" => "A-Za-z",
        "digit" => "0-9",
        "alnum" => "A-Za-z0-9",
        "upper" => "A-Z",
        "lower" => "a-z",
        "space" => Space,
        "blank" => @" \t",
        "punct" => @"!-/:-@\[-`{-~",
        "print" => " -~",
        "graph" => "!-~",
        "cntrl" => @"\x00-\x1f\x7f",
        "xdigit" => "0-9A-Fa-f",
        "word" => Word,
        "ascii" => @"\x00-\x7f",
        _ => null,
    };

    /// <summary>What is not in a class, for use inside another bracket expression.</summary>
    public static string Without(string set)
    {
        // The complement within a set has no notation of its own; .NET's subtraction only works at the end of a set.
        var member = new bool[char.MaxValue + 1];
        for (var i = 0; i < set.Length;)
        {
            var first = ReadCharacter(set, ref i);
            var last = first;
            if (i + 1 < set.Length && set[i] == '-')
            {
                i++;
                last = ReadCharacter(set, ref i);
            }

            Array.Fill(member, true, first, last - first + 1);
        }

        var result = new StringBuilder();
        for (var start = 0; start <= char.MaxValue; start++)
        {
            if (!member[start])
            {
                var end = start;
                while (end < char.MaxValue && !member[end + 1])
                {
                    end++;
                }

                AppendCharacter(result, (char)start);
                result.Append('-');
                AppendCharacter(result, (char)end);
                start = end;
            }
        }

        return result.ToString();
    }

    /// <summary>A character outside of a bracket expression. Case is a matter of ASCII: what is above is bytes of some encoding.</summary>
    public static void AppendLiteral(StringBuilder target, char c)
    {
        if (c > '\x7f')
        {
            target.Append(CultureInfo.InvariantCulture, $"(?-i:\\u{(int)c:x4})");
        }
        else
        {
            AppendCharacter(target, c);
        }
    }

    public static void AppendCharacter(StringBuilder target, char c)
    {
        if (char.IsAsciiLetterOrDigit(c))
        {
            target.Append(c);
        }
        else
        {
            target.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        }
    }

    private static char ReadCharacter(string set, ref int i)
    {
        if (set[i] != '\\')
        {
            return set[i++];
        }

        var kind = set[i + 1];
        var digits = kind switch { 'u' => 4, 'x' => 2, _ => 0 };
        i += 2 + digits;
        return digits > 0
            ? (char)ushort.Parse(set.AsSpan(i - digits, digits), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
            : kind switch { 't' => '\t', 'n' => '\n', 'v' => '\v', 'f' => '\f', 'r' => '\r', _ => kind };
    }
}
