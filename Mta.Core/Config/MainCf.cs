namespace Mta.Core.Config;

/// <summary>One <c>name = value</c> of main.cf as written, and the lines that it spans.</summary>
public sealed record MainCfEntry(string Name, string Value, int FirstLine, int LastLine);

/// <summary>The text of a main.cf, parsed: its entries in order and what is wrong with them.</summary>
public sealed class MainCf
{
    private const int ShownLength = 30;

    private MainCf(string file, IReadOnlyList<MainCfEntry> entries, IReadOnlyList<ConfigProblem> problems)
    {
        File = file;
        Entries = entries;
        Problems = problems;
    }

    public string File { get; }

    /// <summary>All entries, the overridden ones among them.</summary>
    public IReadOnlyList<MainCfEntry> Entries { get; }

    public IReadOnlyList<ConfigProblem> Problems { get; }

    /// <summary>Never throws: what cannot be read becomes a problem.</summary>
    public static MainCf Parse(string file, string text)
    {
        var entries = new List<MainCfEntry>();
        var problems = new List<ConfigProblem>();
        var effective = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in LogicalLines.Read(text))
        {
            if (line.Text is [var first, ..] && Space.Is(first))
            {
                problems.Add(NoContinuation(file, line));
                continue;
            }

            if (!TrySplit(line.Text, out var name, out var value, out var error))
            {
                problems.Add(ConfigProblem.Error(file, line.FirstLine, $"{error}: \"{line.Text}\""));
                continue;
            }

            if (effective.TryGetValue(name, out var earlier))
            {
                problems.Add(ConfigProblem.Warning(file, line.FirstLine, $"overriding earlier entry: {name}={earlier}"));
            }

            effective[name] = value;
            entries.Add(new MainCfEntry(name, value, line.FirstLine, line.LastLine));
        }

        return new MainCf(file, entries, problems);
    }

    /// <summary>The same with more entries after its own, of values from elsewhere.</summary>
    public MainCf With(IEnumerable<KeyValuePair<string, string>> values) =>
        new(File, [.. Entries, .. values.Select(v => new MainCfEntry(v.Key, v.Value, 0, 0))], Problems);

    /// <summary>Splits <c>name = value</c>; the value loses the white space around it.</summary>
    public static bool TrySplit(string text, out string name, out string value, out string? error)
    {
        var rest = text.AsSpan().TrimStart(Space.Characters);
        var length = 0;
        while (length < rest.Length && rest[length] != '=' && !Space.Is(rest[length]))
        {
            length++;
        }

        name = rest[..length].ToString();
        rest = rest[length..].TrimStart(Space.Characters);
        value = "";
        error = name.Length == 0 ? "missing attribute name" : rest.IsEmpty || rest[0] != '=' ? "missing '=' after attribute name" : null;
        if (error is not null)
        {
            return false;
        }

        value = rest[1..].Trim(Space.Characters).ToString();
        return true;
    }

    /// <summary>The problem of a line that begins with white space and has nothing before it that it could continue.</summary>
    internal static ConfigProblem NoContinuation(string file, LogicalLine line) =>
        ConfigProblem.Warning(file, line.FirstLine, $"logical line must not start with whitespace: \"{(line.Text.Length <= ShownLength ? line.Text : line.Text[..ShownLength] + "...")}\"");
}
