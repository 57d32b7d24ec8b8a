namespace Mta.Core.Config;

/// <summary>
/// Finds names that have a value which nobody reads: not in the table, no transport's counterpart, no restriction class, not the prefix of
/// a table's own parameters, and not referred to by <c>$name</c> in another value. They are kept, and warned of.
/// </summary>
public static class UnusedParameters
{
    /// <summary>Lookup tables that may have their options in main.cf, as <c>NAME_hosts</c> for <c>pgsql:NAME</c>.</summary>
    private static readonly string[] TableTypes = ["ldap", "memcache", "mysql", "pgsql", "sqlite", "mongodb"];

    /// <param name="masterCf">Null when there is none; then no transport is known.</param>
    public static List<ConfigProblem> Find(MainCf mainCf, MasterCf? masterCf)
    {
        var used = new HashSet<string>(StringComparer.Ordinal);
        var prefixes = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in mainCf.Entries)
        {
            Collect(entry.Name, entry.Value, used, prefixes);
        }

        foreach (var service in masterCf?.Services ?? [])
        {
            foreach (var (name, value) in service.Overrides)
            {
                Collect(name, value, used, prefixes);
            }
        }

        var problems = new List<ConfigProblem>();
        foreach (var name in mainCf.Entries.Select(e => e.Name).Distinct())
        {
            if (!IsUsed(name))
            {
                var last = mainCf.Entries.Last(e => e.Name == name);
                problems.Add(ConfigProblem.Warning(mainCf.File, 0, $"unused parameter: {name}={last.Value}"));
            }
        }

        foreach (var (name, value) in (masterCf?.Services ?? []).SelectMany(s => s.Overrides))
        {
            if (!IsUsed(name))
            {
                problems.Add(ConfigProblem.Warning(masterCf!.File, 0, $"unused parameter: {name}={value}"));
            }
        }

        return problems;

        bool IsUsed(string name) =>
            Parameters.ByName.ContainsKey(name) || used.Contains(name) || IsOfTransport(name, masterCf) || prefixes.Any(p => name.StartsWith(p, StringComparison.Ordinal));
    }

    /// <summary>Whether the name is a service's counterpart of a general parameter.</summary>
    public static bool IsOfTransport(string name, MasterCf? masterCf)
    {
        foreach (var (suffix, _) in TransportParameters.All)
        {
            if (name.EndsWith(suffix, StringComparison.Ordinal) && masterCf is not null && masterCf.Services.Any(s => s.Type == ServiceType.Unix && s.Name == name[..^suffix.Length]))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The names that a value refers to with <c>$name</c>, <c>${name...}</c> or <c>$(name)</c>.</summary>
    public static IEnumerable<string> References(string value)
    {
        for (var at = value.IndexOf('$'); at >= 0 && at + 1 < value.Length; at = value.IndexOf('$', at))
        {
            at++;
            if (value[at] == '$')
            {
                if (++at == value.Length)
                {
                    yield break;
                }

                continue;
            }

            var start = value[at] is '{' or '(' ? at + 1 : at;
            while (start < value.Length && char.IsWhiteSpace(value[start]))
            {
                start++;
            }

            var end = start;
            while (end < value.Length && (char.IsAsciiLetterOrDigit(value[end]) || value[end] == '_'))
            {
                end++;
            }

            if (end > start)
            {
                yield return value[start..end];
            }
        }
    }

    private static void Collect(string name, string value, HashSet<string> used, HashSet<string> prefixes)
    {
        used.UnionWith(References(value));
        if (name == "smtpd_restriction_classes")
        {
            used.UnionWith(ValueList.Split(value));
        }

        if (!value.Contains(':'))
        {
            return;
        }

        foreach (var element in ValueList.Split(value))
        {
            var table = element.StartsWith("proxy:", StringComparison.Ordinal) ? element[6..] : element;
            var colon = table.IndexOf(':');
            if (colon > 0 && TableTypes.Contains(table[..colon]) && colon + 1 < table.Length && table[colon + 1] is not ('/' or '.'))
            {
                prefixes.Add(table[(colon + 1)..] + "_");
            }
        }
    }
}
