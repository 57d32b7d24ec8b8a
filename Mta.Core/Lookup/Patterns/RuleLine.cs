namespace Mta.Core.Lookup.Patterns;

/// <summary>A rule of a table of patterns, with the number of its line in the source.</summary>
public readonly record struct RuleLine(string Text, int Number)
{
    private const string Space = " \t\r\n";

    /// <summary>The rules of a file.</summary>
    public static List<RuleLine> Read(string text)
    {
        var rules = new List<RuleLine>();
        var lines = new LogicalLines(text);
        while (lines.MoveNext())
        {
            rules.Add(new RuleLine(lines.Current, lines.LineNumber));
        }

        return rules;
    }

    /// <summary>The rules of an inline table, <c>{{rule}, {rule}}</c>.</summary>
    /// <returns>Null with the reason in <paramref name="error"/> when the text is not of that form.</returns>
    public static List<RuleLine>? ReadInline(string type, string name, out string? error)
    {
        var rules = new List<RuleLine>();
        var text = name.AsSpan().Trim(Space);
        if (text.Length < 2 || text[^1] != '}')
        {
            error = $"{type} map: missing '}}' in \"{name}\"";
            return null;
        }

        foreach (var token in new ListTokens(text[1..^1]))
        {
            if (token is not ['{', .. var rule, '}'])
            {
                error = token is ['{', ..] ? $"{type} map: missing '}}' in \"{name}\"" : $"{type} map: no '{{' at start of text in \"{token}\"";
                return null;
            }

            rules.Add(new RuleLine(rule.Trim(Space).ToString(), rules.Count + 1));
        }

        error = null;
        return rules;
    }

    /// <summary>The rest behind a keyword at the start of the line, <c>if</c> or <c>endif</c> in any case.</summary>
    public static bool TryKeyword(ReadOnlySpan<char> line, string keyword, out ReadOnlySpan<char> rest)
    {
        var matches = line.StartsWith(keyword, StringComparison.OrdinalIgnoreCase)
            && (line.Length == keyword.Length || !char.IsAsciiLetterOrDigit(line[keyword.Length]));
        rest = matches ? line[keyword.Length..].TrimStart(Space) : [];
        return matches;
    }
}
