namespace Mta.Core.Lookup.Patterns;

/// <summary>A table of cidr_table(5): networks in the order of the source, the first that has the address gives the result.</summary>
public sealed class CidrRules
{
    private const string Space = " \t\r\n";

    private readonly RuleList<Rule> rules = new();
    private readonly string name;
    private readonly Action<string> warn;

    private CidrRules(string name, Action<string> warn)
    {
        this.name = name;
        this.warn = warn;
    }

    /// <summary>Reads the rules. Those that cannot be read are warned of and left out, as in Postfix.</summary>
    public static CidrRules Read(string name, IEnumerable<RuleLine> lines, Action<string> warn)
    {
        var table = new CidrRules(name, warn);
        foreach (var line in lines)
        {
            if (table.Take(line) is { } problem)
            {
                table.Warn(line.Number, $"{problem}: skipping this rule");
            }
        }

        foreach (var line in table.rules.Finish())
        {
            table.Warn(line, "IF has no matching ENDIF");
        }

        return table;
    }

    /// <summary>The result for an address; anything else is not found.</summary>
    public LookupResult Find(string key)
    {
        for (var i = 0; i < rules.Count;)
        {
            var rule = rules[i];

            // A pattern of the other family matches neither as it stands nor negated.
            var matches = rule.Network.Contains(key.AsSpan()) is { } contains && contains != rule.Negated;
            if (rules.IsBlock(i, out var otherwise))
            {
                i = matches ? i + 1 : otherwise;
            }
            else if (matches)
            {
                return LookupResult.Found(rule.Result);
            }
            else
            {
                i++;
            }
        }

        return LookupResult.NotFound;
    }

    private string? Take(RuleLine line)
    {
        var text = line.Text.AsSpan();
        if (RuleLine.TryKeyword(text, "endif", out var rest))
        {
            return !rest.IsEmpty ? "garbage after ENDIF" : rules.CloseBlock() ? null : "ENDIF without IF";
        }

        var isBlock = RuleLine.TryKeyword(text, "if", out rest);
        var negated = false;
        var pattern = isBlock ? rest : text;
        while (pattern is ['!', ..])
        {
            negated = !negated;
            pattern = pattern[1..].TrimStart(Space);
        }

        ReadOnlySpan<char> result = [];
        if (!isBlock)
        {
            var end = pattern.IndexOfAny(Space);
            result = end < 0 ? [] : pattern[end..].Trim(Space);
            pattern = end < 0 ? pattern : pattern[..end];
        }

        if (pattern.IsEmpty)
        {
            return "no address pattern";
        }

        if (NetworkPattern.TryParse(pattern, out var network) is { } problem)
        {
            return problem;
        }

        if (!isBlock && result.IsEmpty)
        {
            return "no lookup result";
        }

        var rule = new Rule(network, negated, result.ToString());
        if (isBlock)
        {
            rules.OpenBlock(rule, line.Number);
        }
        else
        {
            rules.Add(rule);
        }

        return null;
    }

    private void Warn(int line, string text) => warn($"cidr map {name}, line {line}: {text}");

    private sealed record Rule(NetworkPattern Network, bool Negated, string Result);
}
