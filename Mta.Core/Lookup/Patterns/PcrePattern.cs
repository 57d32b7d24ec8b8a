using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Mta.Core.Lookup.Patterns;

/// <summary>
/// Translates a PCRE expression to .NET's. Possessive quantifiers, classes, named groups and quoting are rewritten; recursion, branch
/// reset, <c>\K</c>, verbs, callouts and names of scripts are not supported, and a rule with them fails. <c>\d</c>, <c>\w</c> and
/// <c>\s</c> mean ASCII as in Postfix; <c>\b</c> and caseless matching follow Unicode.
/// </summary>
internal sealed partial class PcrePattern(string pattern, PcreOptions options)
{
    private readonly StringBuilder output = new();
    private readonly Stack<int> open = new();
    private readonly Dictionary<string, int> names = new(StringComparer.Ordinal);
    private int position;
    private int groups;
    private int atom = -1;

    public static string Translate(string pattern, PcreOptions options) => new PcrePattern(pattern, options).Translate();

    private string Translate()
    {
        while (position < pattern.Length)
        {
            Next(pattern[position++]);
        }

        if (open.Count > 0)
        {
            throw new PatternException("missing closing parenthesis");
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
                atom = open.TryPop(out var start) ? start : throw new PatternException("unmatched closing parenthesis");
                output.Append(')');
                break;
            case '*' or '+' or '?':
                Quantify(c.ToString());
                break;
            case '{' when IntervalExpression().Match(pattern, position - 1) is { Success: true } interval:
                position += interval.Length - 1;
                Quantify(interval.Value);
                break;
            case '|':
                output.Append(c);
                atom = -1;
                break;
            case '$' when Has(PcreOptions.DollarEndOnly) && !Has(PcreOptions.Multiline):
                output.Append(@"\z");
                break;
            case '#' when Has(PcreOptions.Extended):
                var end = pattern.IndexOf('\n', position);
                position = end < 0 ? pattern.Length : end + 1;
                break;
            case ' ' or '\t' or '\n' or '\v' or '\f' or '\r' when Has(PcreOptions.Extended):
                break;
            default:
                atom = output.Length;
                output.Append(c is '{' or '}' or ']' ? $"\\{c}" : c.ToString());
                break;
        }
    }

    private void Quantify(string quantifier)
    {
        if (atom < 0)
        {
            throw new PatternException("quantifier does not follow a repeatable item");
        }

        output.Append(quantifier);
        var mark = position < pattern.Length ? pattern[position] : '\0';
        if (mark == '+')
        {
            // A possessive quantifier is an atomic group.
            position++;
            output.Insert(atom, "(?>").Append(')');
            return;
        }

        var lazy = mark == '?';
        position += lazy ? 1 : 0;
        output.Append(lazy != Has(PcreOptions.Ungreedy) ? "?" : "");
    }

    private void Open()
    {
        var rest = pattern.AsSpan(position);
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
            var end = pattern.IndexOf(')', position);
            position = end < 0 ? throw new PatternException("missing ) after (?# comment") : end + 1;
        }
        else if (NamedGroup().Match(pattern, position) is { Success: true } named)
        {
            names.TryAdd(named.Groups[1].Value, ++groups);
            position += named.Length;
            output.Append('(');
        }
        else if (NamedReference().Match(pattern, position) is { Success: true } reference)
        {
            atom = open.Pop();
            position += reference.Length;
            Reference(reference.Groups[1].Value);
        }
        else if (Plain().Match(pattern, position) is { Success: true } plain)
        {
            position += plain.Length;
            output.Append('(').Append(plain.Value);
            if (plain.Value[^1] == ')')
            {
                open.Pop();
            }
        }
        else
        {
            throw Unsupported($"({rest[..Math.Min(3, rest.Length)]}");
        }
    }

    /// <summary>A reference to a group by its number, its distance or its name.</summary>
    private void Reference(string name)
    {
        var isNumber = int.TryParse(name, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number);
        if (isNumber && number < 0)
        {
            number += groups + 1;
        }
        else if (!isNumber && !names.TryGetValue(name, out number))
        {
            throw new PatternException("reference to non-existent subpattern");
        }

        output.Append(CultureInfo.InvariantCulture, $"(?:\\{number})");
    }

    private bool Has(PcreOptions option) => (options & option) != 0;

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
