using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Mta.Core.Lookup.Patterns;

/// <summary>
/// Translates a POSIX regular expression, extended or basic, to .NET's. Differs from regcomp(3): among several matches the first
/// alternative wins and not the longest, which only shows in what <c>$1</c> holds; no collating elements of more than one character. Text
/// is bytes, each a character.
/// </summary>
/// <param name="multiline">Lines within the text count (REG_NEWLINE).</param>
internal sealed class PosixPattern(string pattern, bool extended, bool multiline)
{
    private const int RepeatLimit = 0x7fff;
    private const string BadRange = "Invalid range end";
    private const string BadOperand = "Invalid preceding regular expression";

    private readonly StringBuilder output = new();
    private readonly Stack<(int Start, int Number)> groups = new();
    private int position;
    private int atom = -1;
    private bool quantified;
    private int groupCount;
    private int closedGroups;

    public static string Translate(string pattern, bool extended, bool multiline) => new PosixPattern(pattern, extended, multiline).Translate();

    private string Translate()
    {
        while (position < pattern.Length)
        {
            var c = pattern[position++];
            if (c == '\\')
            {
                Escape();
            }
            else if (c == '[')
            {
                Begin();
                Bracket();
            }
            else if (!(extended ? Operator(c) : c == '*' && Star()) && !Anchor(c))
            {
                Begin();
                if (c > '\x7f')
                {
                    CharacterSet.AppendLiteral(output, c);
                }
                else
                {
                    output.Append(c == '.' ? multiline ? @"[^\n]" : "." : Regex.Escape(c.ToString()));
                }
            }
        }

        return groups.Count == 0 ? output.ToString() : throw new PatternException("Unmatched ( or \\(");
    }

    private void Begin()
    {
        atom = output.Length;
        quantified = false;
    }

    /// <summary>The operators that stand alone in the extended form, and behind a backslash in the basic one.</summary>
    private bool Operator(char c)
    {
        switch (c)
        {
            case '(':
                groups.Push((output.Length, ++groupCount));
                output.Append('(');
                atom = -1;
                return true;
            case ')' when groups.TryPop(out var group):
                output.Append(')');
                closedGroups |= group.Number <= 9 ? 1 << group.Number : 0;
                atom = group.Start;
                quantified = false;
                return true;
            case ')' when !extended:
                throw new PatternException("Unmatched ( or \\(");
            case '|':
                output.Append('|');
                atom = -1;
                return true;
            case '*' or '+' or '?' when extended || c != '*':
                Quantify(c.ToString());
                return true;
            case '{':
                Quantify(Interval());
                return true;
            default:
                return false;
        }
    }

    /// <summary>In the basic form a star with nothing before it is a star.</summary>
    private bool Star()
    {
        if (atom < 0)
        {
            return false;
        }

        // The C library takes no second star in the basic form.
        Quantify(quantified ? throw new PatternException(BadOperand) : "*");
        return true;
    }

    private void Quantify(string quantifier)
    {
        if (atom < 0)
        {
            throw new PatternException(BadOperand);
        }

        // a*? is lazy in .NET; here it is an optional a*.
        if (quantified)
        {
            output.Insert(atom, "(?:").Append(')');
        }

        output.Append(quantifier);
        quantified = true;
    }

    private string Interval()
    {
        if (atom < 0)
        {
            throw new PatternException(BadOperand);
        }

        var end = pattern.IndexOf(extended ? "}" : "\\}", position, StringComparison.Ordinal);
        if (end < 0)
        {
            throw new PatternException(@"Unmatched \{");
        }

        var text = pattern[position..end];
        position = end + (extended ? 1 : 2);
        var comma = text.IndexOf(',', StringComparison.Ordinal);
        var first = comma < 0 ? text : text[..comma];
        var last = comma < 0 ? text : text[(comma + 1)..];
        if (text.Length == 0 || !TryNumber(first, 0, out var low) || !TryNumber(last, int.MaxValue, out var high) || high < low)
        {
            throw new PatternException("Invalid content of \\{\\}");
        }

        if (low > RepeatLimit || high is > RepeatLimit and < int.MaxValue)
        {
            throw new PatternException("Regular expression too big");
        }

        return comma < 0 ? $"{{{text}}}" : $"{{{(first.Length == 0 ? "0" : first)},{last}}}";
    }

    private static bool TryNumber(string text, int otherwise, out int value)
    {
        value = otherwise;
        return text.Length == 0 || int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    private bool Anchor(char c)
    {
        var isStart = extended || output.Length == 0 || output[^1] is '(' or '|';
        var isEnd = extended || position == pattern.Length
            || pattern.AsSpan(position).StartsWith("\\)") || pattern.AsSpan(position).StartsWith("\\|");
        if (c == '^' && isStart)
        {
            output.Append(multiline ? @"(?:\A|(?<=\n))" : @"\A");
        }
        else if (c == '$' && isEnd)
        {
            output.Append(multiline ? @"(?=\n|\z)" : @"\z");
        }
        else
        {
            return false;
        }

        atom = -1;
        return true;
    }

    private void Escape()
    {
        if (position == pattern.Length)
        {
            throw new PatternException("Trailing backslash");
        }

        var c = pattern[position++];
        if (!extended && Operator(c))
        {
            return;
        }

        if (c is >= '1' and <= '9' && (closedGroups & (1 << (c - '0'))) == 0)
        {
            throw new PatternException("Invalid back reference");
        }

        Begin();
        output.Append(c switch
        {
            >= '1' and <= '9' => $"(?:\\{c})",
            'w' => $"[{CharacterSet.Word}]",
            'W' => $"[^{CharacterSet.Word}]",
            's' => $"[{CharacterSet.Space}]",
            'S' => $"[^{CharacterSet.Space}]",
            'b' => CharacterSet.WordBoundary,
            'B' => CharacterSet.NoWordBoundary,
            '<' => $"(?<![{CharacterSet.Word}])(?=[{CharacterSet.Word}])",
            '>' => $"(?<=[{CharacterSet.Word}])(?![{CharacterSet.Word}])",
            '`' => @"\A",
            '\'' => @"\z",
            _ => Regex.Escape(c.ToString()),
        });
        if (c is 'b' or 'B' or '<' or '>' or '`' or '\'')
        {
            atom = -1;
        }
    }

    private void Bracket()
    {
        output.Append('[');
        var negated = position < pattern.Length && pattern[position] == '^';
        if (negated)
        {
            position++;
            output.Append(multiline ? @"^\n" : "^");
        }

        for (var isFirst = true; ; isFirst = false)
        {
            if (position >= pattern.Length)
            {
                throw new PatternException("Unmatched [, [^, [:, [., or [=");
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
                if (!IsRange())
                {
                    continue;
                }

                position++;
                if (Element() is not { } last || last < first)
                {
                    throw new PatternException(BadRange);
                }

                output.Append('-');
                CharacterSet.AppendCharacter(output, last);
            }

            // Neither a class nor a range begins another one.
            if (IsRange())
            {
                throw new PatternException(BadRange);
            }
        }
    }

    private bool IsRange() => position + 1 < pattern.Length && pattern[position] == '-' && pattern[position + 1] != ']';

    /// <summary>One character, or null when a class was written. A backslash has no meaning here.</summary>
    private char? Element()
    {
        var c = pattern[position];
        if (c != '[' || position + 1 >= pattern.Length || pattern[position + 1] is not (':' or '.' or '='))
        {
            position++;
            return c;
        }

        var kind = pattern[position + 1];
        var end = pattern.IndexOf($"{kind}]", position + 2, StringComparison.Ordinal);
        if (end < 0)
        {
            throw new PatternException("Unmatched [, [^, [:, [., or [=");
        }

        var name = pattern.AsSpan(position + 2, end - position - 2);
        position = end + 2;
        if (kind == ':')
        {
            output.Append(CharacterSet.OfClass(name) ?? throw new PatternException("Invalid character class name"));
            return null;
        }

        return name.Length == 1 ? name[0] : throw new PatternException("Invalid collation character");
    }
}
