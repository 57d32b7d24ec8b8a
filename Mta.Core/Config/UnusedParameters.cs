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
        var readers = Readers.Of(mainCf, masterCf);
        var problems = new List<ConfigProblem>();
        foreach (var name in Names(mainCf, readers))
        {
            problems.Add(ConfigProblem.Warning(mainCf.File, 0, $"unused parameter: {name}={mainCf.Entries.Last(e => e.Name == name).Value}"));
        }

        foreach (var (name, value) in (masterCf?.Services ?? []).SelectMany(s => s.Overrides))
        {
            if (!readers.Read(name))
            {
                problems.Add(ConfigProblem.Warning(masterCf!.File, 0, $"unused parameter: {name}={value}"));
            }
        }

        return problems;
    }

    /// <summary>Finds names that a value refers to although they have no value; they are empty there.</summary>
    public static List<ConfigProblem> Undefined(MainCf mainCf, MasterCf? masterCf)
    {
        var effective = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in mainCf.Entries)
        {
            effective[entry.Name] = entry.Value;
        }

        var services = masterCf?.Services ?? [];
        var known = new HashSet<string>(Parameters.ByName.Keys, StringComparer.Ordinal);
        known.UnionWith(effective.Keys);
        known.UnionWith(services.SelectMany(s => TransportParameters.OfService(s.Name, s.Command)).Select(p => p.Name));
        var problems = new List<ConfigProblem>();
        Add(mainCf.File, effective, []);
        foreach (var service in services)
        {
            Add(masterCf!.File, service.Overrides, [.. service.Overrides.Select(o => o.Key)]);
        }

        return problems;

        void Add(string file, IEnumerable<KeyValuePair<string, string>> values, HashSet<string> own)
        {
            foreach (var (name, value) in values)
            {
                if (Parameters.ByName.GetValueOrDefault(name)?.Kind == ParameterKind.Raw)
                {
                    continue;
                }

                foreach (var reference in References(value))
                {
                    var problem = ConfigProblem.Warning(file, 0, $"undefined parameter: {reference}");
                    var isDefined = known.Contains(reference) || own.Contains(reference) || !IsParameterName(value, reference);
                    if (!isDefined && !problems.Contains(problem))
                    {
                        problems.Add(problem);
                    }
                }
            }
        }
    }

    /// <summary>Whether the reference is not the name of a function, as in <c>${name{text}}</c>.</summary>
    private static bool IsParameterName(string value, string reference) => !value.Contains(reference + "{", StringComparison.Ordinal);

    /// <summary>The names in main.cf that nobody reads.</summary>
    public static IEnumerable<string> Names(MainCf mainCf, MasterCf? masterCf) => Names(mainCf, Readers.Of(mainCf, masterCf));

    private static IEnumerable<string> Names(MainCf mainCf, Readers readers) =>
        mainCf.Entries.Select(e => e.Name).Distinct().Where(n => !readers.Read(n));

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
            while (start < value.Length && Space.Is(value[start]))
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

    /// <summary>What reads names beside the table.</summary>
    private sealed class Readers
    {
        private readonly HashSet<string> names = new(StringComparer.Ordinal);
        private readonly HashSet<string> prefixes = new(StringComparer.Ordinal);

        public static Readers Of(MainCf mainCf, MasterCf? masterCf)
        {
            var readers = new Readers();
            foreach (var entry in mainCf.Entries)
            {
                readers.Collect(entry.Name, entry.Value);
            }

            foreach (var service in masterCf?.Services ?? [])
            {
                readers.names.UnionWith(TransportParameters.OfService(service.Name, service.Command).Select(p => p.Name));
                foreach (var (name, value) in service.Overrides)
                {
                    readers.Collect(name, value);
                }
            }

            return readers;
        }

        public bool Read(string name) =>
            Parameters.ByName.ContainsKey(name) || names.Contains(name) || prefixes.Any(p => name.StartsWith(p, StringComparison.Ordinal));

        private void Collect(string name, string value)
        {
            names.UnionWith(References(value));
            if (name == "smtpd_restriction_classes")
            {
                names.UnionWith(ValueList.Split(value));
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
}
