namespace Mta.Core.Config;

/// <summary>The settings that a node works with, and what is wrong with values of SQL that it does not take.</summary>
/// <param name="Problems">By name; the value before it, or else that of the files, stays.</param>
public sealed record CheckedSettings(Settings Settings, IReadOnlyList<(StoredParameter Row, string Problem)> Problems);

/// <summary>Puts values of SQL under those of the files, and leaves out those that are no good.</summary>
public static class StoredParameterCheck
{
    /// <param name="files">The settings of the files, which are good.</param>
    /// <param name="services">The services of master.cf, whose <c>-o</c> settings may refer to values of SQL.</param>
    /// <param name="lastGood">What was taken the last time: where the new value is no good, the one in here stays.</param>
    public static CheckedSettings Apply(Settings files, IReadOnlyList<MasterService> services, StoredValues wanted, StoredValues lastGood)
    {
        var problems = new List<(StoredParameter, string)>();
        var changes = new Dictionary<string, StoredParameter?>(StringComparer.Ordinal);
        foreach (var row in wanted.Rows.Values)
        {
            if (Unknown(row, wanted, files) is { } problem)
            {
                problems.Add((row, problem));
                changes[row.Name] = null;
            }
        }

        var stored = changes.Count == 0 ? wanted : wanted.With(changes);
        while (true)
        {
            var settings = files.WithStored(stored);
            changes.Clear();
            foreach (var (name, error) in Errors(settings, services))
            {
                foreach (var culprit in Culprits(settings, name))
                {
                    if (!changes.ContainsKey(culprit.Name))
                    {
                        if (!problems.Exists(p => p.Item1.Name == culprit.Name))
                        {
                            problems.Add((culprit, error));
                        }

                        var earlier = lastGood.Rows.GetValueOrDefault(culprit.Name);
                        changes[culprit.Name] = earlier == culprit ? null : earlier;
                    }
                }
            }

            if (changes.Count == 0)
            {
                return new CheckedSettings(settings, problems);
            }

            stored = stored.With(changes);
        }
    }

    private static string? Unknown(StoredParameter row, StoredValues wanted, Settings files)
    {
        var parameter = Parameters.ByName.GetValueOrDefault(row.Name) ?? TransportParameters.Find(row.Name);
        if (parameter is not null)
        {
            return StoredParameterPolicy.Refusal(parameter) is { } reason ? $"{row.Name} cannot be set in SQL: {reason}; set it in main.cf" : null;
        }

        var settings = files.WithStored(wanted);
        var classes = settings.Expand(settings.Raw("smtpd_restriction_classes") ?? "").Value;
        return ValueList.Split(classes).Contains(row.Name) ? StoredParameterPolicy.Check(null, row.Value) is { } wrong ? $"{row.Name} = {row.Value}: {wrong}" : null
            : $"{row.Name}: unknown parameter";
    }

    private static IEnumerable<(string Name, string Error)> Errors(Settings settings, IReadOnlyList<MasterService> services)
    {
        foreach (var error in settings.Validate())
        {
            yield return error;
        }

        foreach (var service in services)
        {
            foreach (var error in service.Overrides.Count == 0 ? [] : settings.With(service.Overrides).Validate())
            {
                yield return error;
            }
        }
    }

    /// <summary>The value itself; when the files have it, those of SQL that it refers to.</summary>
    private static IEnumerable<StoredParameter> Culprits(Settings settings, string name)
    {
        if (settings.IsStored(name))
        {
            yield return settings.Stored.Rows[name];
            yield break;
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        var pending = new Stack<string>([name]);
        while (pending.TryPop(out var next))
        {
            if (!seen.Add(next))
            {
                continue;
            }

            if (settings.IsStored(next))
            {
                yield return settings.Stored.Rows[next];
            }

            foreach (var reference in UnusedParameters.References(settings.Raw(next) ?? ""))
            {
                pending.Push(reference);
            }
        }
    }
}
