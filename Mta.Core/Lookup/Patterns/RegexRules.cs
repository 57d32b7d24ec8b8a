using System.Globalization;
using System.Text.RegularExpressions;

namespace Mta.Core.Lookup.Patterns;

/// <summary>
/// A table of regexp_table(5) or pcre_table(5): rules in the order of the source, the first that matches gives the result. A match has a
/// time limit; one that exceeds it fails, and so does a lookup that comes to a rule which cannot be translated, since what lies behind
/// the rule must not answer in its place.
/// </summary>
public sealed class RegexRules
{
    private readonly RuleList<RegexRule> rules;
    private readonly string reference;

    private RegexRules(RuleList<RegexRule> rules, string reference)
    {
        this.rules = rules;
        this.reference = reference;
    }

    /// <summary>How long one match may take. A mail's header line takes microseconds; a second is an expression that backtracks without end.</summary>
    public static TimeSpan TimeLimit { get; } = TimeSpan.FromSeconds(1);

    /// <summary>Reads the rules; those that Postfix would not read either are warned of and left out.</summary>
    /// <param name="type"><c>regexp</c> or <c>pcre</c>.</param>
    /// <param name="allowsGroups">False for parameters whose results <c>$1</c> must have no part in.</param>
    public static RegexRules Read(string type, string name, IEnumerable<RuleLine> lines, Action<string> warn, bool allowsGroups = true) =>
        Read(type, name, lines, warn, TimeLimit, allowsGroups);

    /// <summary>The same with another time limit for a match.</summary>
    public static RegexRules Read(string type, string name, IEnumerable<RuleLine> lines, Action<string> warn, TimeSpan timeLimit, bool allowsGroups = true) =>
        new(new RegexRuleReader(type, name, warn, timeLimit, allowsGroups).Read(lines), $"{type}:{name}");

    public LookupResult Find(string key)
    {
        try
        {
            for (var i = 0; i < rules.Count;)
            {
                var rule = rules[i];
                if (rule.Unsupported is not null)
                {
                    return LookupResult.Failed($"{reference}: {rule.Unsupported}");
                }

                var matches = rule.Matches(key, out var match);
                if (rules.IsBlock(i, out var otherwise))
                {
                    i = matches ? i + 1 : otherwise;
                }
                else if (matches)
                {
                    return LookupResult.Found(rule.Result!.Expand(match));
                }
                else
                {
                    i++;
                }
            }

            return LookupResult.NotFound;
        }
        catch (RegexMatchTimeoutException e)
        {
            return LookupResult.Failed(string.Create(
                CultureInfo.InvariantCulture, $"{reference}: a match took longer than {e.MatchTimeout.TotalSeconds:0.###} seconds"));
        }
    }
}
