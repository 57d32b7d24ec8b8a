using System.Collections.Frozen;

namespace Mta.Core.Config;

/// <summary>
/// The parameters that are known, kept and shown, but that nothing reads yet, each with the reason. The list is NotHonoured.txt; a test
/// compares it with the program's sources.
/// </summary>
public static class NotHonoured
{
    private static readonly Lazy<FrozenDictionary<string, string>> List = new(Read);

    /// <summary>Names and reasons.</summary>
    public static FrozenDictionary<string, string> Reasons => List.Value;

    /// <summary>Warnings of parameters that are set to something else than their default although nothing reads them.</summary>
    public static IEnumerable<ConfigProblem> Find(MainCf mainCf, MasterCf? masterCf)
    {
        foreach (var entry in mainCf.Entries.Reverse().DistinctBy(e => e.Name).Reverse())
        {
            if (Problem(mainCf.File, entry.FirstLine, entry.Name, entry.Value) is { } problem)
            {
                yield return problem;
            }
        }

        foreach (var service in masterCf?.Services ?? [])
        {
            foreach (var (name, value) in service.Overrides)
            {
                if (Problem(masterCf!.File, service.Line, name, value) is { } problem)
                {
                    yield return problem;
                }
            }
        }
    }

    private static ConfigProblem? Problem(string file, int line, string name, string value)
    {
        var general = Parameters.ByName.ContainsKey(name) ? null : TransportParameters.Find(name);
        return Reasons.TryGetValue(general?.Name ?? name, out var reason)
            && !reason.StartsWith("kept", StringComparison.Ordinal)
            && value != (Parameters.ByName.GetValueOrDefault(name) ?? general)?.DefaultText
            ? ConfigProblem.Warning(file, line, $"parameter {name} is not honoured: {reason}")
            : null;
    }

    /// <summary>Lines are <c># reason</c>, and below it the names that it holds for.</summary>
    private static FrozenDictionary<string, string> Read()
    {
        using var stream = typeof(NotHonoured).Assembly.GetManifestResourceStream("Mta.Core.Config.NotHonoured.txt")!;
        using var reader = new StreamReader(stream);
        var reasons = new Dictionary<string, string>(StringComparer.Ordinal);
        var reason = "";
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith("# ", StringComparison.Ordinal))
            {
                reason = line[2..];
            }
            else if (line.Length > 0)
            {
                reasons[line] = reason;
            }
        }

        return reasons.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
