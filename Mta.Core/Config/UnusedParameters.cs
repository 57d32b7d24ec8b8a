namespace Mta.Core.Config;

/// <summary>
/// Finds names that have a value which nobody reads, and names that are read although they have no value. Both are warned of: the first
/// are kept, the second are empty.
/// </summary>
public static class UnusedParameters
{
    /// <param name="masterCf">Null when there is none; then no transport is known.</param>
    public static List<ConfigProblem> Find(MainCf mainCf, MasterCf? masterCf)
    {
        var uses = new ParameterUses(mainCf, masterCf);
        var problems = new List<ConfigProblem>();
        foreach (var (name, value) in uses.Main)
        {
            if (!uses.IsUsed(name))
            {
                problems.Add(ConfigProblem.Warning(mainCf.File, 0, $"unused parameter: {name}={value}"));
            }
        }

        foreach (var service in masterCf?.Services ?? [])
        {
            foreach (var (name, value) in service.Overrides.Reverse().DistinctBy(o => o.Key))
            {
                if (!uses.IsUsed(service, name))
                {
                    problems.Add(ConfigProblem.Warning(masterCf!.File, 0, $"unused parameter: {name}={value}"));
                }
            }
        }

        return problems;
    }

    /// <summary>Finds names that a value refers to although they have no value, and references that cannot be read.</summary>
    public static IReadOnlyCollection<ConfigProblem> Undefined(MainCf mainCf, MasterCf? masterCf)
    {
        var uses = new ParameterUses(mainCf, masterCf);
        var problems = new List<ConfigProblem>();
        Add(mainCf.File, uses.Main, [.. (masterCf?.Services ?? []).SelectMany(s => s.Overrides).Select(o => o.Key)]);
        problems.AddRange(uses.UndefinedClasses.Select(c => ConfigProblem.Warning(mainCf.File, 0, $"undefined parameter: {c}")));
        foreach (var service in masterCf?.Services ?? [])
        {
            Add(masterCf!.File, service.Overrides, [.. service.Overrides.Select(o => o.Key)]);
        }

        return [.. problems.Distinct()];

        void Add(string file, IEnumerable<KeyValuePair<string, string>> values, HashSet<string> own)
        {
            foreach (var (name, value) in values)
            {
                if (Parameters.ByName.GetValueOrDefault(name)?.Kind == ParameterKind.Raw)
                {
                    continue;
                }

                var error = Expander.Scan(
                    value,
                    reference =>
                    {
                        if (!uses.IsKnown(reference) && !uses.Main.ContainsKey(reference) && !own.Contains(reference))
                        {
                            problems.Add(ConfigProblem.Warning(file, 0, $"undefined parameter: {reference}"));
                        }
                    });
                if (error is not null)
                {
                    problems.Add(ConfigProblem.Warning("", 0, error));
                }
            }
        }
    }

    /// <summary>The names in main.cf that nobody reads.</summary>
    public static IEnumerable<string> Names(MainCf mainCf, MasterCf? masterCf)
    {
        var uses = new ParameterUses(mainCf, masterCf);
        return uses.Main.Keys.Where(n => !uses.IsUsed(n));
    }

    /// <summary>The files that describe lookup tables of main.cf and master.cf, with the table's type.</summary>
    public static IEnumerable<(string Type, string Path)> TableFiles(MainCf mainCf, MasterCf? masterCf) => new ParameterUses(mainCf, masterCf).Files;

    /// <summary>The names that a value refers to, whatever else is in it.</summary>
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
}
