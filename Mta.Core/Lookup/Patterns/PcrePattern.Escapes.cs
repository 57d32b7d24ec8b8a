using System.Globalization;
using System.Text.RegularExpressions;

namespace Mta.Core.Lookup.Patterns;

/// <summary>Backslashes and bracket expressions of PCRE.</summary>
internal sealed partial class PcrePattern
{
    private void Escape()
    {
        var c = position < pattern.Length ? pattern[position++] : throw new PatternException("\\ at end of pattern");
        if (c == 'Q')
        {
            Quote();
            return;
        }

        if (c == 'E')
        {
            return;
        }

        atom = output.Length;
        if (c is >= '1' and <= '9')
        {
            position--;
            var number = Digits(2);
            output.Append($"(?:\\{number})");
        }
        else if (c is 'g' or 'k')
        {
            var reference = (c == 'g' ? GroupReference() : NameReference()).Match(pattern, position);
            position += reference.Success ? reference.Length : throw Unsupported($"\\{c}");
            Reference(reference.Groups.Values.Skip(1).First(g => g.Success).Value);
        }
        else if (c is 'A' or 'z' or 'Z' or 'G' or 'b' or 'B')
        {
            output.Append('\\').Append(c);
        }
        else if (c == 'R')
        {
            output.Append($@"(?>\r\n|[{CharacterSet.LineEnds}])");
        }
        else if (c == 'N' && (position == pattern.Length || pattern[position] != '{'))
        {
            output.Append(@"[^\n]");
        }
        else if (Set(c) is { } set)
        {
            output.Append(set.Negated ? "[^" : "[").Append(set.Characters).Append(']');
        }
        else if (c is 'p' or 'P')
        {
            output.Append(Property(c));
        }
        else
        {
            AppendLiteral(Character(c));
        }
    }

    private void Quote()
    {
        var end = pattern.IndexOf("\\E", position, StringComparison.Ordinal);
        var text = end < 0 ? pattern[position..] : pattern[position..end];
        position = end < 0 ? pattern.Length : end + 2;
        foreach (var c in text)
        {
            atom = output.Length;
            AppendLiteral(c);
        }
    }

    private void AppendLiteral(int c)
    {
        if (c > char.MaxValue)
        {
            output.Append("(?:").Append(char.ConvertFromUtf32(c)).Append(')');
        }
        else
        {
            CharacterSet.AppendCharacter(output, (char)c);
        }
    }

    private static (string Characters, bool Negated)? Set(char c) => c switch
    {
        'd' => ("0-9", false),
        'D' => ("0-9", true),
        'w' => (CharacterSet.Word, false),
        'W' => (CharacterSet.Word, true),
        's' => (CharacterSet.Space, false),
        'S' => (CharacterSet.Space, true),
        'h' => (CharacterSet.Blank, false),
        'H' => (CharacterSet.Blank, true),
        'v' => (CharacterSet.LineEnds, false),
        'V' => (CharacterSet.LineEnds, true),
        _ => null,
    };

    /// <summary><c>\pL</c>, <c>\p{Lu}</c>, <c>\p{^Lu}</c>: general categories only.</summary>
    private string Property(char kind)
    {
        var match = GeneralCategory().Match(pattern, position);
        position += match.Success ? match.Length : throw Unsupported($"\\{kind}");
        var negated = (kind == 'P') != match.Groups[1].Success;
        return $"\\{(negated ? 'P' : 'p')}{{{match.Groups[2].Value}{match.Groups[3].Value}}}";
    }

    /// <summary>A single character that is written behind a backslash.</summary>
    private int Character(char c)
    {
        switch (c)
        {
            case 'a':
                return 7;
            case 'e':
                return 27;
            case 'f':
                return 12;
            case 'n':
                return 10;
            case 'r':
                return 13;
            case 't':
                return 9;
            case '0':
                return Convert.ToInt32("0" + Digits(2), 8);
            case 'c' when position < pattern.Length && char.IsAscii(pattern[position]):
                return char.ToUpperInvariant(pattern[position++]) ^ 64;
            case 'x' or 'o' when BracedNumber().Match(pattern, position) is { Success: true } braced:
                position += braced.Length;
                return Convert.ToInt32(braced.Groups[1].Value, c == 'x' ? 16 : 8);
            case 'x':
                var start = position;
                while (position < pattern.Length && position < start + 2 && char.IsAsciiHexDigit(pattern[position]))
                {
                    position++;
                }

                return position == start ? 0 : Convert.ToInt32(pattern[start..position], 16);
            case 'K' or 'C' or 'X' or 'N':
                throw Unsupported($"\\{c}");
            default:
                return char.IsAsciiLetterOrDigit(c) ? throw new PatternException($"unrecognized character follows \\") : c;
        }
    }

    private string Digits(int most)
    {
        var start = position;
        while (position < pattern.Length && position < start + most && char.IsAsciiDigit(pattern[position]))
        {
            position++;
        }

        return pattern[start..position];
    }

    private void Bracket()
    {
        output.Append('[');
        if (position < pattern.Length && pattern[position] == '^')
        {
            position++;
            output.Append('^');
        }

        for (var isFirst = true; ; isFirst = false)
        {
            if (position >= pattern.Length)
            {
                throw new PatternException("missing terminating ] for character class");
            }

            if (pattern[position] == ']' && !isFirst)
            {
                position++;
                output.Append(']');
                return;
            }

            if (Element() is { } first)
            {
                CharacterSet.AppendCharacter(output, first);
                Range(first);
            }
        }
    }

    private void Range(char first)
    {
        if (position + 1 >= pattern.Length || pattern[position] != '-' || pattern[position + 1] == ']')
        {
            return;
        }

        position++;
        var before = output.Length;
        if (Element() is not { } last)
        {
            // A minus before a class is a minus.
            output.Insert(before, @"\u002d");
            return;
        }

        if (last < first)
        {
            throw new PatternException("range out of order in character class");
        }

        output.Append('-');
        CharacterSet.AppendCharacter(output, last);
    }

    /// <summary>One character of a bracket expression, or null when a class was written.</summary>
    private char? Element()
    {
        var c = pattern[position++];
        if (c == '[' && NamedClass().Match(pattern, position) is { Success: true } named)
        {
            position += named.Length;
            var set = CharacterSet.OfClass(named.Groups[2].ValueSpan) ?? throw new PatternException("unknown POSIX class name");
            output.Append(named.Groups[1].Success ? CharacterSet.Without(set) : set);
            return null;
        }

        if (c != '\\')
        {
            return c;
        }

        c = position < pattern.Length ? pattern[position++] : throw new PatternException("\\ at end of pattern");
        if (Set(c) is { } escape)
        {
            output.Append(escape.Negated ? CharacterSet.Without(escape.Characters) : escape.Characters);
            return null;
        }

        switch (c)
        {
            case 'p' or 'P':
                output.Append(Property(c));
                return null;
            case 'b':
                return '\b';
            case 'E':
                return null;
            case 'Q':
                throw Unsupported("\\Q in a character class");
            case >= '1' and <= '7':
                position--;
                return (char)Convert.ToInt32(Digits(3), 8);
            default:
                var character = Character(c);
                return character <= char.MaxValue ? (char)character : throw Unsupported("a character above U+FFFF in a class");
        }
    }

    [GeneratedRegex(@"\G(?:(-?[0-9]+)|\{(-?[0-9]+|[A-Za-z_][A-Za-z0-9_]*)\})")]
    private static partial Regex GroupReference();

    [GeneratedRegex(@"\G(?:<([A-Za-z0-9_]+)>|'([A-Za-z0-9_]+)'|\{([A-Za-z0-9_]+)\})")]
    private static partial Regex NameReference();

    [GeneratedRegex(@"\G\{([0-9A-Fa-f]{1,6})\}")]
    private static partial Regex BracedNumber();

    [GeneratedRegex(@"\G(?:\{(\^)?([CLMNPSZ][a-z]?)\}|([CLMNPSZ]))")]
    private static partial Regex GeneralCategory();

    [GeneratedRegex(@"\G:(\^)?([a-z]+):\]")]
    private static partial Regex NamedClass();
}
