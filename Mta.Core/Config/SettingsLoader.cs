namespace Mta.Core.Config;

/// <summary>A configuration that was read: the settings, unless there is an error, and the problems in the order of the file.</summary>
public sealed record LoadedSettings(Settings? Settings, MainCf MainCf, IReadOnlyList<ConfigProblem> Problems);

/// <summary>Makes settings of the text of a main.cf and checks every value that a service may ask for.</summary>
public static class SettingsLoader
{
    /// <param name="given">Values that the caller knows better than the file, such as <c>config_directory</c>.</param>
    public static LoadedSettings Load(string file, string text, HostFacts host, IEnumerable<KeyValuePair<string, string>>? given = null)
    {
        var mainCf = MainCf.Parse(file, text);
        var problems = new List<ConfigProblem>(mainCf.Problems);
        var entries = new Dictionary<string, MainCfEntry>(StringComparer.Ordinal);
        foreach (var entry in mainCf.Entries)
        {
            entries[entry.Name] = entry;
        }

        var settings = Unchecked(mainCf, host, given ?? []);
        CheckCompatibility(settings, entries, file, problems);
        foreach (var (name, error) in settings.Validate())
        {
            problems.Add(ConfigProblem.Error(file, entries.TryGetValue(name, out var entry) ? entry.FirstLine : 0, error));
        }

        var isUsable = !problems.Exists(p => p.IsError);
        return new LoadedSettings(isUsable ? settings : null, mainCf, problems);
    }

    /// <summary>
    /// Settings without a look at the values, for commands that read a few of them: a bad one is found when it is asked for.
    /// </summary>
    public static Settings Unchecked(MainCf mainCf, HostFacts host, IEnumerable<KeyValuePair<string, string>> given)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in mainCf.Entries)
        {
            values[entry.Name] = entry.Value;
        }

        foreach (var (name, value) in given)
        {
            values[name] = value;
        }

        return new Settings(values, host);
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
