using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Mta.Core.Lookup.Patterns;

/// <summary>
/// Translates a PCRE expression to .NET's. Possessive quantifiers, classes, named groups and quoting are rewritten; recursion, branch
/// reset, <c>\K</c>, verbs, callouts and names of scripts are not supported, and a rule with them fails. Text is bytes, each a
/// character, and letters are those of ASCII, as in Postfix; only bracket expressions without case follow Latin-1.
/// </summary>
internal sealed partial class PcrePattern(string pattern, PcreOptions options)
{
    private readonly StringBuilder output = new();
    private readonly Stack<int> open = new();
    private readonly Dictionary<string, int> names = new(StringComparer.Ordinal);
    private int position;
    private int groups;
    private int atom = -1;
    private (int Group, int Offset) farthest;

    public static string Translate(string pattern, PcreOptions options) => new PcrePattern(pattern, options).Translate();

    private string Translate()
    {
        while (position < pattern.Length)
        {
            Next(pattern[position++]);
        }

        if (open.Count > 0)
        {
            throw new PatternException("missing closing parenthesis", pattern.Length);
        }

        if (farthest.Group > groups)
        {
            throw NoSuchGroup(farthest.Offset);
        }

        return Has(PcreOptions.Anchored) ? $@"\A(?:{output})" : output.ToString();
    }

    private void Next(char c)
    {
        switch (c)
        {
            case '\\':
                Escape();
                break;
            case '[':
                atom = output.Length;
                Bracket();
                break;
            case '(':
                Open();
                break;
            case ')':
                atom = open.TryPop(out var start) ? start : throw new PatternException("unmatched closing parenthesis", position - 1);
                output.Append(')');
                break;
            case '*' or '+' or '?':
                Quantify(c.ToString());
                break;
            case '{' when IntervalExpression().Match(pattern, position - 1) is { Success: true } interval:
                CheckInterval(interval.Value);
                position += interval.Length - 1;
                Quantify(interval.Value);
                break;
            case '|':
                output.Append(c);
                atom = -1;
                break;
            case '$' when Has(PcreOptions.DollarEndOnly) && !Has(PcreOptions.Multiline):
                output.Append(@"\z");
                atom = -1;
                break;
            case '#' when Has(PcreOptions.Extended):
                var end = pattern.IndexOf('\n', position);
                position = end < 0 ? pattern.Length : end + 1;
                break;
            case ' ' or '\t' or '\n' or '\v' or '\f' or '\r' when Has(PcreOptions.Extended):
                break;
            case '^' or '$':
                output.Append(c);
                atom = -1;
                break;
            default:
                atom = output.Length;
                if (c > '\x7f')
                {
                    CharacterSet.AppendLiteral(output, c);
                }
                else
                {
                    output.Append(c is '{' or '}' or ']' ? $"\\{c}" : c.ToString());
                }

                break;
        }
    }

    private void Quantify(string quantifier)
    {
        if (atom < 0)
        {
            throw new PatternException("quantifier does not follow a repeatable item", position - 1);
        }

        output.Append(quantifier);
        var start = atom;
        atom = -1;
        var mark = position < pattern.Length ? pattern[position] : '\0';
        if (mark == '+')
        {
            // A possessive quantifier is an atomic group.
            position++;
            output.Insert(start, "(?>").Append(')');
            return;
        }

        var lazy = mark == '?';
        position += lazy ? 1 : 0;
        output.Append(lazy != Has(PcreOptions.Ungreedy) ? "?" : "");
    }

    /// <summary>The numbers of <c>{2,3}</c> have an order and a limit.</summary>
    private void CheckInterval(string interval)
    {
        const int most = 65535;
        var low = 0;
        var number = 0;
        for (var i = 1; i < interval.Length; i++)
        {
            if (char.IsAsciiDigit(interval[i]))
            {
                number = (number * 10) + interval[i] - '0';
                if (number > most)
                {
                    throw new PatternException("number too big in {} quantifier", position + i);
                }
            }
            else if (interval[i] == ',')
            {
                (low, number) = (number, interval[i + 1] == '}' ? most : 0);
            }
        }

        if (number < low)
        {
            throw new PatternException("numbers out of order in {} quantifier", position + interval.Length - 2);
        }
    }

    private void Open()
    {
        var rest = pattern.AsSpan(position);
        var before = atom;
        open.Push(output.Length);
        atom = -1;
        if (rest is ['*', >= 'A' and <= 'z', ..])
        {
            throw Unsupported("(*");
        }

        if (rest is not ['?', ..])
        {
            groups++;
            output.Append('(');
            return;
        }

        if (rest is ['?', '#', ..])
        {
            open.Pop();
            atom = before;
            var end = pattern.IndexOf(')', position);
            position = end < 0 ? throw new PatternException("missing ) after (?# comment", pattern.Length) : end + 1;
        }
        else if (NamedGroup().Match(pattern, position) is { Success: true } named)
        {
            position += named.Length;
            if (!names.TryAdd(named.Groups[1].Value, ++groups))
            {
                throw new PatternException("two named subpatterns have the same name (PCRE2_DUPNAMES not set)", position);
            }

            output.Append('(');
        }
        else if (NamedReference().Match(pattern, position) is { Success: true } reference)
        {
            atom = open.Pop();
            var name = position + reference.Groups[1].Index - reference.Index;
            position += reference.Length;
            Reference(reference.Groups[1].Value, name);
        }
        else if (Plain().Match(pattern, position) is { Success: true } plain)
        {
            position += plain.Length;
            output.Append('(').Append(plain.Value);
            if (plain.Value is ['?', not '(', .., ')'])
            {
                open.Pop();
            }
        }
        else
        {
            throw BadGroup(rest);
        }
    }

    /// <summary>What is wrong with a group that is none of those above: PCRE does not know it either, or only this program does not.</summary>
    private PatternException BadGroup(ReadOnlySpan<char> rest)
    {
        var name = rest[1..].TrimStart('P');
        if (name is ['<', >= '0' and <= '9', ..])
        {
            return new PatternException("subpattern name must start with a non-digit", pattern.Length - name.Length + 1);
        }

        if (name is ['<', not ('=' or '!'), ..])
        {
            return new PatternException("syntax error in subpattern name (missing terminator?)", pattern.Length);
        }

        var options = rest[1..].TrimStart("imsxnJU-^");
        return options.IsEmpty ? new PatternException("missing closing parenthesis", pattern.Length)
            : char.IsAsciiLetter(options[0]) && options[0] is not ('P' or 'R' or 'C')
                ? new PatternException("unrecognized character after (? or (?-", pattern.Length - options.Length)
            : Unsupported($"({rest[..Math.Min(3, rest.Length)]}");
    }

    /// <summary>A reference to a group by its number, its distance or its name; the position is behind it.</summary>
    /// <param name="offset">What PCRE names when there is no such group.</param>
    private void Reference(string name, int offset)
    {
        var isNumber = int.TryParse(name, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number);
        if (isNumber && number < 0)
        {
            number += groups + 1;
        }
        else if (!isNumber && !names.TryGetValue(name, out number))
        {
            throw NoSuchGroup(offset);
        }

        farthest = number > farthest.Group ? (number, offset) : farthest;
        output.Append(CultureInfo.InvariantCulture, $"(?:\\{number})");
    }

    private bool Has(PcreOptions option) => (options & option) != 0;

    private static PatternException NoSuchGroup(int offset) => new("reference to non-existent subpattern", offset);

    private static PatternException Unsupported(string what) => new($"{what} is not supported", isUnsupported: true);

    [GeneratedRegex(@"\G\{[0-9]+(?:,[0-9]*)?\}")]
    private static partial Regex IntervalExpression();

    [GeneratedRegex(@"\G\?(?:P?<|')([A-Za-z_][A-Za-z0-9_]*)[>']")]
    private static partial Regex NamedGroup();

    [GeneratedRegex(@"\G\?P=([A-Za-z0-9_]+)\)")]
    private static partial Regex NamedReference();

    /// <summary>What both write alike: groups without capture, looking around, options, and conditions on a numbered group.</summary>
    [GeneratedRegex(@"\G\?(?::|=|!|>|<=|<!|[imsx]*(?:-[imsx]+)?[:)]|\([0-9]+\))")]
    private static partial Regex Plain();
}
