using System.Globalization;
using System.Text;

namespace Mta.Core.Lookup.Queries;

/// <summary>What the tables that are asked by a query have in common: the format of a value, the domains whose addresses are asked for, the limit.</summary>
/// <param name="Format">result_format.</param>
/// <param name="Domains">domain: a list as mydestination is one; empty means all keys.</param>
/// <param name="ExpansionLimit">The largest number of values; 0 for no limit.</param>
public sealed record ResultRules(string Format, string Domains, int ExpansionLimit)
{
    /// <summary>Reads the parameters by name; those that are not set are null.</summary>
    /// <returns>Null with the reason in <paramref name="problem"/>.</returns>
    public static ResultRules? Read(Func<string, string?> get, out string? problem)
    {
        if (!TryNumber(get, "expansion_limit", 0, out var limit, out problem))
        {
            return null;
        }

        return new ResultRules(get("result_format") is { Length: > 0 } format ? format : "%s", get("domain") ?? "", limit);
    }

    /// <summary>A parameter that is a number, not less than <paramref name="min"/>.</summary>
    public static bool TryNumber(Func<string, string?> get, string name, int otherwise, out int number, out string? problem, int min = 0)
    {
        problem = null;
        number = otherwise;
        if (get(name) is not { Length: > 0 } text || int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number))
        {
            problem = number < min ? string.Create(CultureInfo.InvariantCulture, $"invalid {name} parameter value {number} < {min}") : null;
            return problem is null;
        }

        problem = $"bad numerical configuration: {name} = {text}";
        return false;
    }

    /// <summary>The result of a lookup, made of the values that the query gave for the key; those that are empty or lack a part do not count.</summary>
    public LookupResult Join(IEnumerable<string> values, string key)
    {
        var result = new StringBuilder();
        var count = 0;
        foreach (var value in values)
        {
            if (KeyTemplate.Result(Format, value, key) is not { } text)
            {
                continue;
            }

            if (ExpansionLimit > 0 && ++count > ExpansionLimit)
            {
                return LookupResult.Failed($"Expansion limit exceeded for key: '{key}'");
            }

            result.Append(result.Length > 0 ? "," : "").Append(text);
        }

        return result.Length > 0 ? LookupResult.Found(result.ToString()) : LookupResult.NotFound;
    }
}
