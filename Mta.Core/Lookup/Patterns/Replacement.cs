using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Mta.Core.Lookup.Patterns;

/// <summary>The result of a rule, with <c>$1</c>, <c>${1}</c> and <c>$(1)</c> for what groups matched and <c>$$</c> for a dollar.</summary>
internal sealed class Replacement
{
    private readonly List<(string Text, int Group)> parts = [];

    private Replacement()
    {
    }

    public bool HasGroups { get; private set; }

    /// <summary>The largest group that is named, to be compared with what the pattern has.</summary>
    public int LargestGroup { get; private set; }

    /// <summary>Reads the text; null with the reason when it is not right.</summary>
    /// <param name="isSyntax">The problem is of the text as a whole: Postfix says it without the rule's place.</param>
    public static Replacement? Read(string text, out string? problem, out bool isSyntax)
    {
        var result = new Replacement();
        var literal = new StringBuilder();
        problem = null;
        isSyntax = false;
        for (var i = 0; i < text.Length;)
        {
            if (text[i] != '$')
            {
                literal.Append(text[i++]);
            }
            else if (i + 1 < text.Length && text[i + 1] == '$')
            {
                literal.Append('$');
                i += 2;
            }
            else
            {
                var name = Name(text, ref i);
                if (string.IsNullOrEmpty(name))
                {
                    (problem, isSyntax) = ($"{(name is null ? "truncated macro reference" : "empty macro name")}: \"{text}\"", true);
                    return null;
                }

                if (!int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var group))
                {
                    problem = $"non-numeric replacement index \"{name}\"";
                    return null;
                }

                if (group == 0)
                {
                    problem = "out of range replacement index \"0\"";
                    return null;
                }

                result.parts.Add((literal.ToString(), group));
                result.HasGroups = true;
                result.LargestGroup = Math.Max(result.LargestGroup, group);
                literal.Clear();
            }
        }

        result.parts.Add((literal.ToString(), 0));
        return result;
    }

    /// <summary>A group that took no part in the match is empty.</summary>
    public string Expand(Match? match)
    {
        if (!HasGroups)
        {
            return parts[0].Text;
        }

        var text = new StringBuilder();
        foreach (var (before, group) in parts)
        {
            text.Append(before);
            if (group > 0 && match is not null)
            {
                text.Append(match.Groups[group].ValueSpan);
            }
        }

        return text.ToString();
    }

    private static string? Name(string text, ref int i)
    {
        var start = i + 1;
        var close = start < text.Length ? text[start] switch { '{' => '}', '(' => ')', _ => '\0' } : '\0';
        if (close != '\0')
        {
            var end = text.IndexOf(close, start);
            i = end + 1;
            return end < 0 ? null : text[(start + 1)..end];
        }

        var stop = start;
        while (stop < text.Length && (char.IsAsciiLetterOrDigit(text[stop]) || text[stop] == '_'))
        {
            stop++;
        }

        i = stop;
        return text[start..stop];
    }
}
