using System.Buffers;
using System.Globalization;

namespace Mta.Core.Config;

/// <summary>What may stand between <c>${</c> and <c>}</c>: a name, a comparison or a function, and a choice after it.</summary>
public sealed partial class Expander
{
    /// <summary>What an operator is made of; one that is none of <see cref="Operators"/> is an error as a whole.</summary>
    private static readonly SearchValues<char> OperatorCharacters = SearchValues.Create("<>!=?+-*/~&|%");

    private static readonly string[] Operators = ["==", "!=", "<=", ">=", "<", ">"];

    private bool AppendBraced(ReadOnlySpan<char> content, int level)
    {
        var rest = content.TrimStart(Space.Characters);
        if (!rest.IsEmpty && rest[0] == '{')
        {
            return AppendComparison(rest, level);
        }

        var length = NameLength(rest);
        var name = rest[..length].ToString();
        rest = rest[length..];
        if (!rest.IsEmpty && rest[0] == '{' && name is "domain_to_ascii" or "domain_to_utf8")
        {
            return AppendFunction(name, rest, level);
        }

        var choice = rest.TrimStart(Space.Characters);
        if (choice.IsEmpty)
        {
            return AppendValue(name, level);
        }

        if (choice[0] is not ('?' or ':'))
        {
            return FailAt("attribute name syntax error", name, rest);
        }

        scanned?.Invoke(name);
        return AppendChoice(!string.IsNullOrEmpty(lookup(name)), choice, level);
    }

    /// <summary>A comparison; without a choice after it, it is <c>true</c> or nothing.</summary>
    private bool AppendComparison(ReadOnlySpan<char> rest, int level)
    {
        if (!TakeBraces(ref rest, out var left))
        {
            return false;
        }

        rest = rest.TrimStart(Space.Characters);
        if (!TakeOperator(left, ref rest, out var comparison, out var byLevel))
        {
            return false;
        }

        var trimmed = rest.TrimStart(Space.Characters);
        if (trimmed.IsEmpty || trimmed[0] != '{')
        {
            return FailAt("\"{expression}\" expected", $"{{{left}}} {comparison}", rest);
        }

        rest = trimmed;
        if (!TakeBraces(ref rest, out var right) || !TryExpandAside(left, level, out var x) || !TryExpandAside(right, level, out var y))
        {
            return false;
        }

        // Without values there is nothing to compare.
        var order = 0;
        if (scanned is null && !TryCompare(x, y, byLevel, out order))
        {
            return false;
        }

        var holds = comparison switch
        {
            "==" => order == 0,
            "!=" => order != 0,
            "<=" => order <= 0,
            ">=" => order >= 0,
            "<" => order < 0,
            _ => order > 0,
        };
        rest = rest.TrimStart(Space.Characters);
        if (!rest.IsEmpty)
        {
            return rest[0] is '?' or ':' ? AppendChoice(holds, rest, level) : FailAt("\"?\" or \":\" expected", "}", rest);
        }

        output.Append(holds ? "true" : "");
        return true;
    }

    /// <summary>The texts after <c>?</c> and <c>:</c>; one without braces goes to the end, whatever is in it.</summary>
    private bool AppendChoice(bool holds, ReadOnlySpan<char> rest, int level)
    {
        ReadOnlySpan<char> whenTrue = default, whenFalse = default;
        if (rest[0] == '?')
        {
            rest = rest[1..];
            if (!TakeText(ref rest, out whenTrue))
            {
                return false;
            }
        }

        if (!rest.IsEmpty)
        {
            if (rest[0] != ':')
            {
                return FailAt("\":\" expected", $"{whenTrue}}}", rest);
            }

            rest = rest[1..];
            if (!TakeText(ref rest, out whenFalse))
            {
                return false;
            }

            if (!rest.IsEmpty)
            {
                return FailAt("unexpected input", $"{whenFalse}}}", rest);
            }
        }

        return scanned is null ? Append(holds ? whenTrue : whenFalse, level + 1) : Append(whenTrue, level + 1) && Append(whenFalse, level + 1);
    }

    private bool TakeText(scoped ref ReadOnlySpan<char> rest, out ReadOnlySpan<char> text)
    {
        var trimmed = rest.TrimStart(Space.Characters);
        if (trimmed.IsEmpty || trimmed[0] != '{')
        {
            text = rest;
            rest = default;
            return true;
        }

        rest = trimmed;
        var taken = TakeBraces(ref rest, out text);
        rest = rest.TrimStart(Space.Characters);
        return taken;
    }

    /// <summary>Takes the <c>{text}</c> that <paramref name="rest"/> begins with off it; white space inside the braces is part of the text.</summary>
    private bool TakeBraces(scoped ref ReadOnlySpan<char> rest, out ReadOnlySpan<char> text)
    {
        text = default;
        var end = FindClose(rest);
        if (end < 0)
        {
            return Fail($"unbalanced {{}} in attribute expression: \"{rest}\"");
        }

        text = rest[1..end];
        rest = rest[(end + 1)..];
        return true;
    }

    private bool TakeOperator(ReadOnlySpan<char> left, scoped ref ReadOnlySpan<char> rest, out string comparison, out bool byLevel)
    {
        var length = rest.IndexOfAnyExcept(OperatorCharacters);
        var found = rest[..(length < 0 ? rest.Length : length)].ToString();
        comparison = found;
        byLevel = false;
        if (!Operators.Contains(found))
        {
            return FailAt("\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected", $"{left}}}", rest);
        }

        rest = rest[found.Length..];
        var suffix = rest[..NameLength(rest)];
        byLevel = suffix is "level";
        rest = rest[suffix.Length..];
        return suffix.IsEmpty || byLevel || FailAt("bad operator suffix", found, suffix);
    }

    private bool TryExpandAside(ReadOnlySpan<char> text, int level, out string value)
    {
        var start = output.Length;
        var expanded = Append(text, level + 1);
        value = output.ToString(start, output.Length - start);
        output.Length = start;
        return expanded;
    }

    private bool TryCompare(string x, string y, bool byLevel, out int order)
    {
        order = 0;
        if (byLevel)
        {
            if (!CompatibilityLevel.TryParse(x, out var left) | !CompatibilityLevel.TryParse(y, out var right))
            {
                return Fail($"malformed compatibility level syntax: \"{(CompatibilityLevel.TryParse(x, out _) ? y : x)}\"");
            }

            order = left.CompareTo(right);
            return true;
        }

        if (!IsNumber(x) || !IsNumber(y))
        {
            order = string.CompareOrdinal(x, y);
            return true;
        }

        if (!TryNumber(x, out var a) | !TryNumber(y, out var b))
        {
            return Fail($"mac_exp_eval: bad conversion: {(TryNumber(x, out _) ? y : x)}");
        }

        order = a.CompareTo(b);
        return true;
    }

    private static bool IsNumber(string text) => text.Length > 0 && !text.AsSpan().ContainsAnyExceptInRange('0', '9');

    private static bool TryNumber(string text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private bool AppendFunction(string name, ReadOnlySpan<char> rest, int level)
    {
        if (!TakeBraces(ref rest, out var argument))
        {
            return false;
        }

        if (!rest.TrimStart(Space.Characters).IsEmpty)
        {
            return FailAt("unexpected input", $"{argument}}}", rest);
        }

        if (!TryExpandAside(argument, level, out var domain))
        {
            return false;
        }

        output.Append(name == "domain_to_ascii" ? ToAscii(domain) : ToUnicode(domain));
        return true;
    }

    /// <summary>A name that has no such form stays as it is.</summary>
    private static string ToAscii(string domain)
    {
        try
        {
            return domain.Length == 0 || System.Text.Ascii.IsValid(domain) ? domain : new IdnMapping().GetAscii(domain);
        }
        catch (ArgumentException)
        {
            return domain;
        }
    }

    private static string ToUnicode(string domain)
    {
        try
        {
            return domain.Length == 0 ? domain : new IdnMapping().GetUnicode(domain);
        }
        catch (ArgumentException)
        {
            return domain;
        }
    }
}
