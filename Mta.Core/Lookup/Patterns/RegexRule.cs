using System.Text.RegularExpressions;

namespace Mta.Core.Lookup.Patterns;

/// <summary>One rule of a regexp: or pcre: table.</summary>
/// <param name="Pattern">Null when the expression is right but cannot be done here; then <paramref name="Unsupported"/> says why.</param>
/// <param name="Except">A second pattern that must not match, <c>/one/!/two/</c>; only when <paramref name="Pattern"/> is not negated.</param>
internal sealed record RegexRule(Regex? Pattern, bool Negated, Regex? Except, bool ExceptNegated, Replacement? Result, string? Unsupported)
{
    /// <summary>True when the rule takes the key; the match is there for what groups took.</summary>
    /// <exception cref="RegexMatchTimeoutException">The match took too long.</exception>
    public bool Matches(string key, out Match? match)
    {
        match = Pattern!.Match(key);
        return match.Success != Negated && (Except is null || Except.IsMatch(key) != ExceptNegated);
    }
}
