using System.Globalization;
using System.Text.RegularExpressions;

namespace Mta.Core.Lookup.Patterns;

/// <summary>Backslashes and bracket expressions of PCRE.</summary>
internal sealed partial class PcrePattern
{
    private void Escape()
    {
        var c = position < pattern.Length ? pattern[position++] : throw new PatternException("\\ at end of pattern", pattern.Length);
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
            var start = --position;
            var number = Digits(2);
            if (number.Length == 1 || int.Parse(number, CultureInfo.InvariantCulture) <= groups)
            {
                Reference(number, position - 1);
            }
            else
            {
                // With fewer groups it is a character.
                position = start;
                AppendLiteral(Octal());
            }
        }
        else if (c is 'g' or 'k')
        {
            var reference = (c == 'g' ? GroupReference() : NameReference()).Match(pattern, position);
            position += reference.Success ? reference.Length : throw Unsupported($"\\{c}");
            var name = reference.Groups.Values.Skip(1).First(g => g.Success);
            Reference(name.Value, char.IsAsciiDigit(name.ValueSpan[^1]) ? position - 1 : name.Index);
        }
        else if (c is 'A' or 'z' or 'Z' or 'G' or 'b' or 'B')
        {
            output.Append(c switch { 'b' => CharacterSet.WordBoundary, 'B' => CharacterSet.NoWordBoundary, _ => $"\\{c}" });
            atom = -1;
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
        CharacterSet.AppendLiteral(output, Byte(c));
    }

    private char Byte(int c) => c <= byte.MaxValue ? (char)c : throw new PatternException(@"character code point value in \x{} or \o{} is too large", position - 1);

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
                position--;
                return Octal();
            case 'c' when position < pattern.Length && char.IsAscii(pattern[position]):
                return char.ToUpperInvariant(pattern[position++]) ^ 64;
            case 'x' when position < pattern.Length && pattern[position] == '{' && !BracedNumber().IsMatch(pattern, position):
                do
                {
                    position++;
                }
                while (position < pattern.Length && char.IsAsciiHexDigit(pattern[position]));
                throw new PatternException("non-hex character in \\x{} (closing brace missing?)", position);
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
            case 'F' or 'L' or 'l' or 'U' or 'u':
                throw new PatternException(@"PCRE2 does not support \F, \L, \l, \N{name}, \U, or \u", position);
            case 'K' or 'C' or 'X' or 'N':
                throw Unsupported($"\\{c}");
            default:
                return char.IsAsciiLetterOrDigit(c) ? throw new PatternException("unrecognized character follows \\", position - 1) : c;
        }
    }

    private int Octal()
    {
        var value = 0;
        for (var end = position + 3; position < end && position < pattern.Length && pattern[position] is >= '0' and <= '7'; position++)
        {
            value = (value * 8) + pattern[position] - '0';
        }

        return value;
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
                throw new PatternException("missing terminating ] for character class", pattern.Length);
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
            else if (position + 1 < pattern.Length && pattern[position] == '-' && pattern[position + 1] != ']')
            {
                throw new PatternException("invalid range in character class", position);
            }
        }
    }

    private void Range(char first)
    {
        if (position + 1 >= pattern.Length || pattern[position] != '-' || pattern[position + 1] == ']')
        {
            return;
        }

        var start = ++position;
        if (Element() is not { } last)
        {
            throw new PatternException("invalid range in character class", pattern[start] == '[' ? start + 1 : position);
        }

        if (last < first)
        {
            throw new PatternException("range out of order in character class", position - 1);
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
            var name = named.Groups[2].Index;
            position += named.Length;
            var set = CharacterSet.OfClass(named.Groups[2].ValueSpan) ?? throw new PatternException("unknown POSIX class name", name);
            output.Append(named.Groups[1].Success ? CharacterSet.Without(set) : set);
            return null;
        }

        if (c == '[' && CollatingElement().IsMatch(pattern, position))
        {
            throw new PatternException("POSIX collating elements are not supported", position - 1);
        }

        if (c != '\\')
        {
            return c;
        }

        c = position < pattern.Length ? pattern[position++] : throw new PatternException("\\ at end of pattern", pattern.Length);
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
                return (char)Octal();
            default:
                var character = Character(c);
                return Byte(character);
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

    [GeneratedRegex(@"\G([.=])[^]]*\1\]")]
    private static partial Regex CollatingElement();

    [GeneratedRegex(@"\G:(\^)?([a-z]+):\]")]
    private static partial Regex NamedClass();
}
