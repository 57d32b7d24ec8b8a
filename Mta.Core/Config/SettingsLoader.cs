namespace Mta.Core.Config;

/// <summary>A configuration that was read: the settings, unless there is an error, and the problems in the order of the file.</summary>
public sealed record LoadedSettings(Settings? Settings, MainCf MainCf, IReadOnlyList<ConfigProblem> Problems);

/// <summary>Makes settings of the text of a main.cf and checks every value that a service may ask for.</summary>
public static class SettingsLoader
{
    public static LoadedSettings Load(string file, string text, HostFacts host)
    {
        var mainCf = MainCf.Parse(file, text);
        var problems = new List<ConfigProblem>(mainCf.Problems);
        var entries = new Dictionary<string, MainCfEntry>(StringComparer.Ordinal);
        foreach (var entry in mainCf.Entries)
        {
            entries[entry.Name] = entry;
        }

        var settings = new Settings(entries.Select(e => KeyValuePair.Create(e.Key, e.Value.Value)), host);
        CheckCompatibility(settings, entries, file, problems);
        foreach (var (name, error) in settings.Validate())
        {
            problems.Add(ConfigProblem.Error(file, entries.TryGetValue(name, out var entry) ? entry.FirstLine : 0, error));
        }

        var isUsable = !problems.Exists(p => p.IsError);
        return new LoadedSettings(isUsable ? settings : null, mainCf, problems);
    }

    /// <summary>What Postfix says at start and reload when the defaults of an older release are in use.</summary>
    private static void CheckCompatibility(Settings settings, Dictionary<string, MainCfEntry> entries, string file, List<ConfigProblem> problems)
    {
        var expansion = settings.Expand(settings.Raw("compatibility_level") ?? "0");
        var line = entries.TryGetValue("compatibility_level", out var entry) ? entry.FirstLine : 0;
        if (!CompatibilityLevel.TryParse(expansion.Value, out var level))
        {
            problems.Add(ConfigProblem.Error(
                file,
                line,
                $"malformed compatibility level syntax: \"{expansion.Value}\" (write \"compatibility_level = {CompatibilityLevel.Last}\")"));
        }
        else if (level < CompatibilityLevel.Last)
        {
            problems.Add(ConfigProblem.Warning("", 0, "Postfix is running with backwards-compatible default settings"));
            problems.Add(ConfigProblem.Warning("", 0, "See http://www.postfix.org/COMPATIBILITY_README.html for details"));
            problems.Add(ConfigProblem.Warning(
                "",
                0,
                $"To disable backwards compatibility use \"postconf compatibility_level={CompatibilityLevel.Last}\" and \"postfix reload\""));
        }
    }
}
