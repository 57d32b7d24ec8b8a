using System.Text;
using System.Text.RegularExpressions;
using Mta.Core.Smtp;

namespace Mta.Services.Smtpd;

/// <summary>
/// A list of command words, as smtpd_forbidden_commands has it: names, and inline regexp: tables for those that no name matches.
/// </summary>
internal sealed class CommandPatterns
{
    private readonly List<byte[]> names = [];
    private readonly List<Regex> patterns = [];

    public CommandPatterns(string text)
    {
        for (var at = 0; at < text.Length;)
        {
            if (char.IsWhiteSpace(text[at]) || text[at] == ',')
            {
                at++;
                continue;
            }

            var end = EndOfElement(text, at);
            Add(text[at..end]);
            at = end;
        }
    }

    public bool Match(ReadOnlySpan<byte> verb)
    {
        foreach (var name in names)
        {
            if (CommandLine.Is(verb, name))
            {
                return true;
            }
        }

        if (patterns.Count == 0)
        {
            return false;
        }

        var word = Encoding.UTF8.GetString(verb);
        return patterns.Exists(p => p.IsMatch(word));
    }

    // White space inside braces belongs to the element.
    private static int EndOfElement(string text, int at)
    {
        var depth = 0;
        for (; at < text.Length; at++)
        {
            var c = text[at];
            depth += c == '{' ? 1 : c == '}' ? -1 : 0;
            if (depth <= 0 && (char.IsWhiteSpace(c) || c == ','))
            {
                break;
            }
        }

        return at;
    }

    private void Add(string element)
    {
        if (!element.StartsWith("regexp:{", StringComparison.Ordinal) && !element.StartsWith("pcre:{", StringComparison.Ordinal))
        {
            names.Add(Encoding.UTF8.GetBytes(element));
            return;
        }

        // {{/pattern/flags result}, {...}}: only whether it matches counts here.
        var rules = element[(element.IndexOf('{', StringComparison.Ordinal) + 1)..].TrimEnd('}');
        foreach (var rule in rules.Split('{', StringSplitOptions.RemoveEmptyEntries))
        {
            var close = rule.LastIndexOf('/');
            if (rule.StartsWith('/') && close > 0)
            {
                const RegexOptions options = RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking;
                patterns.Add(new Regex(rule[1..close], options));
            }
        }
    }
}
