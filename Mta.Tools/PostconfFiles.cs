using System.Globalization;
using System.Text;
using Mta.Core.Config;
using Mta.Services.Configuration;

namespace Mta.Tools;

/// <summary>The configuration that postconf shows: main.cf and master.cf as written, and settings made of them.</summary>
internal sealed class PostconfFiles
{
    private PostconfFiles(string directory, MainCf mainCf, MasterCf masterCf, Settings settings)
    {
        Directory = directory;
        MainCf = mainCf;
        MasterCf = masterCf;
        Settings = settings;
    }

    public string Directory { get; }

    public MainCf MainCf { get; }

    public MasterCf MasterCf { get; }

    /// <summary>What main.cf, -o and SQL set; with -d, nothing but the defaults.</summary>
    public Settings Settings { get; }

    /// <summary>Where the value of a parameter comes from.</summary>
    public string SourceOf(string name)
    {
        if (MainCf.Entries.LastOrDefault(e => e.Name == name) is { } entry)
        {
            return entry.FirstLine == 0 ? "-o" : $"{MainCf.File}:{entry.FirstLine}";
        }

        if (Settings.IsStored(name))
        {
            var row = Settings.Stored.Rows[name];
            var node = row.Node is null ? "" : $"node {row.Node}, ";
            return string.Create(CultureInfo.InvariantCulture, $"mta.parameter ({node}{row.ChangedBy}, {row.ChangedAt:yyyy-MM-dd HH:mm:ss}Z)");
        }

        return Settings.IsSet(name) ? "-c" : "default";
    }

    /// <summary>Null when the files cannot be used; the reason was printed.</summary>
    public static async Task<PostconfFiles?> ReadAsync(Terminal terminal, PostconfOptions options, CancellationToken cancellationToken)
    {
        var directory = ConfigurationDirectory.Find(options.ConfigDirectory);
        var mainPath = Path.Combine(directory, "main.cf");
        var masterPath = Path.Combine(directory, "master.cf");
        var masterText = await ReadFileAsync(masterPath, cancellationToken).ConfigureAwait(false);
        if (masterText is null && "MFP".Any(options.Has))
        {
            terminal.Fatal($"open {masterPath}: {Reason(masterPath)}");
            return null;
        }

        var mainText = options.Has('d') ? "" : await ReadFileAsync(mainPath, cancellationToken).ConfigureAwait(false);
        if (mainText is null)
        {
            terminal.Fatal($"open {mainPath}: {Reason(mainPath)}");
            return null;
        }

        if (masterText is null)
        {
            terminal.Warning($"open {masterPath}: {Reason(masterPath)}");
        }

        var overrides = new List<KeyValuePair<string, string>>();
        foreach (var text in options.Overrides)
        {
            if (!MainCf.TrySplit(PostconfFile.AsBytes(text), out var name, out var value, out var error))
            {
                terminal.Fatal($"invalid parameter override: {text}: {error}");
                return null;
            }

            overrides.Add(new(name, value));
        }

        var mainCf = MainCf.Parse(mainPath, mainText);
        var masterCf = MasterCf.ParseLeniently(masterPath, masterText ?? "");
        if (!Report(terminal, mainCf.Problems) || !Report(terminal, masterCf.Problems))
        {
            return null;
        }

        mainCf = mainCf.With(overrides);
        KeyValuePair<string, string>[] given = options.Has('d') ? [] : [new("config_directory", directory)];
        var settings = SettingsLoader.Unchecked(mainCf, HostInformation.Gather(terminal.Name), given);
        if (!options.Has('d') && !PostconfChecks.Evaluate(terminal, options, settings, mainCf, masterCf))
        {
            return null;
        }

        if (ShowsValues(options))
        {
            // What is asked for outside has to be text; here it stays the bytes of the file.
            var decoded = MainCf.Parse(mainPath, PostconfFile.AsText(mainText)).With(options.Overrides.Select(Split));
            var outside = SettingsLoader.Unchecked(decoded, settings.Host, given);
            outside = await PostconfDatabase.AddStoredAsync(terminal, outside, masterCf, cancellationToken).ConfigureAwait(false);
            settings = settings.WithStored(PostconfDatabase.AsBytes(outside.Stored));
        }

        return new PostconfFiles(directory, mainCf, masterCf, settings);
    }

    private static KeyValuePair<string, string> Split(string setting) =>
        MainCf.TrySplit(setting, out var name, out var value, out _) ? new(name, value) : new(setting, "");

    private static bool ShowsValues(PostconfOptions options) => !options.Has('d') && (options.Has('x') || !"MFP".Any(options.Has));

    private static bool Report(Terminal terminal, IReadOnlyList<ConfigProblem> problems)
    {
        foreach (var problem in problems)
        {
            if (problem.IsError)
            {
                terminal.Fatal(PostconfChecks.Printable(problem.ToString()));
                return false;
            }

            // Of a line that continues nothing, Postfix does not say which it is.
            var isPlaceless = problem.Text.StartsWith("logical line", StringComparison.Ordinal);
            terminal.Warning(PostconfChecks.Printable(isPlaceless ? $"{problem.File}: {problem.Text}" : problem.ToString()));
        }

        return true;
    }

    /// <summary>The bytes of the file as they are, one character each.</summary>
    private static async Task<string?> ReadFileAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return Encoding.Latin1.GetString(await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Reason(string path) => File.Exists(path) ? "Permission denied" : "No such file or directory";
}
