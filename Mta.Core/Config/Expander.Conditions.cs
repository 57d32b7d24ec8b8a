using System.Globalization;

namespace Mta.Core.Config;

/// <summary>What may stand between <c>${</c> and <c>}</c>: a name, a comparison or a function, and a choice after it.</summary>
public sealed partial class Expander
{
    private static readonly string[] Operators = ["==", "!=", "<=", ">=", "<", ">"];

    private bool AppendBraced(ReadOnlySpan<char> content, int level)
    {
        if (level >= NestingLimit)
        {
            return Fail($"unreasonable macro call nesting: \"{Excerpt(content)}\"");
        }

        var rest = content.TrimStart(Space.Characters);
        if (!rest.IsEmpty && rest[0] == '{')
        {
            return AppendComparison(content, rest, level);
        }

        var length = NameLength(rest);
        var name = rest[..length].ToString();
        rest = rest[length..];
        if (name.Length == 0)
        {
            return rest.IsEmpty ? Fail("empty macro name: \"${}\"") : FailAt("attribute name syntax error", content, rest);
        }

        if (!rest.IsEmpty && rest[0] == '{')
        {
            return AppendFunction(name, content, rest, level);
        }

        var choice = rest.TrimStart(Space.Characters);
        if (choice.IsEmpty)
        {
            return AppendValue(name, level);
        }

        return choice[0] is '?' or ':'
            ? AppendChoice(!string.IsNullOrEmpty(lookup(name)), content, choice, level)
            : FailAt("attribute name syntax error", content, rest);
    }

    /// <summary>A comparison; without a choice after it, it is <c>true</c> or nothing.</summary>
    private bool AppendComparison(ReadOnlySpan<char> content, ReadOnlySpan<char> rest, int level)
    {
        if (!TakeBraces(content, ref rest, out var left))
        {
            return false;
        }

        rest = rest.TrimStart(Space.Characters);
        var comparison = TakeOperator(ref rest);
        if (comparison is null)
        {
            return FailAt("\"==\" or \"!=\" or \"<\" or \"<=\" or \">=\" or \">\" expected", content, rest);
        }

        var byLevel = rest.StartsWith("level");
        rest = (byLevel ? rest[5..] : rest).TrimStart(Space.Characters);
        if (!TakeBraces(content, ref rest, out var right) || !TryExpandAside(left, level, out var x) || !TryExpandAside(right, level, out var y))
        {
            return false;
        }

        if (!TryCompare(x, y, byLevel, out var order))
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
            return rest[0] is '?' or ':' ? AppendChoice(holds, content, rest, level) : FailAt("\"?\" expected", content, rest);
        }

        output.Append(holds ? "true" : "");
        return true;
    }

    /// <summary>The texts after <c>?</c> and <c>:</c>; one without braces goes to the end, whatever is in it.</summary>
    private bool AppendChoice(bool holds, ReadOnlySpan<char> content, ReadOnlySpan<char> rest, int level)
    {
        ReadOnlySpan<char> whenTrue = default, whenFalse = default;
        if (rest[0] == '?')
        {
            rest = rest[1..];
            if (!TakeText(content, ref rest, out whenTrue))
            {
                return false;
            }
        }

        if (!rest.IsEmpty)
        {
            if (rest[0] != ':')
            {
                return FailAt("\":\" expected", content, rest);
            }

            rest = rest[1..];
            if (!TakeText(content, ref rest, out whenFalse))
            {
                return false;
            }

            if (!rest.IsEmpty)
            {
                return FailAt("unexpected input", content, rest);
            }
        }

        return Append(holds ? whenTrue : whenFalse, level + 1);
    }

    private bool TakeText(ReadOnlySpan<char> content, scoped ref ReadOnlySpan<char> rest, out ReadOnlySpan<char> text)
    {
        var trimmed = rest.TrimStart(Space.Characters);
        if (trimmed.IsEmpty || trimmed[0] != '{')
        {
            text = rest;
            rest = default;
            return true;
        }

        rest = trimmed;
        var taken = TakeBraces(content, ref rest, out text);
        rest = rest.TrimStart(Space.Characters);
        return taken;
    }

    /// <summary>Takes <c>{text}</c> off <paramref name="rest"/>; white space just inside the braces does not count.</summary>
    private bool TakeBraces(ReadOnlySpan<char> content, scoped ref ReadOnlySpan<char> rest, out ReadOnlySpan<char> text)
    {
        text = default;
        if (rest.IsEmpty || rest[0] != '{')
        {
            return FailAt("\"{\" expected", content, rest);
        }

        var end = FindClose(rest);
        if (end < 0)
        {
            return FailAt("unbalanced {}", content, rest);
        }

        text = rest[1..end].Trim(Space.Characters);
        rest = rest[(end + 1)..];
        return true;
    }

    private static string? TakeOperator(ref ReadOnlySpan<char> rest)
    {
        foreach (var candidate in Operators)
        {
            if (rest.StartsWith(candidate))
            {
                rest = rest[candidate.Length..];
                return candidate;
            }
        }

        return null;
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

        order = TryNumber(x, out var a) && TryNumber(y, out var b) ? a.CompareTo(b) : string.CompareOrdinal(x, y);
        return true;
    }

    private static bool TryNumber(string text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private bool AppendFunction(string name, ReadOnlySpan<char> content, ReadOnlySpan<char> rest, int level)
    {
        if (!TakeBraces(content, ref rest, out var argument))
        {
            return false;
        }

        if (!rest.TrimStart(Space.Characters).IsEmpty)
        {
            return FailAt("unexpected input", content, rest);
        }

        if (name is not ("domain_to_ascii" or "domain_to_utf8"))
        {
            return Fail($"unknown function: \"{name}\"");
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
