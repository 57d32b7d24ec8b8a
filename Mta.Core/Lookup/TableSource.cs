namespace Mta.Core.Lookup;

/// <summary>What happens to an entry whose key is there already.</summary>
public enum DuplicateKeys : byte
{
    /// <summary>The first entry stays, with a warning.</summary>
    Warn,
    /// <summary>The first entry stays (postmap -w).</summary>
    Ignore,
    /// <summary>The last entry counts (postmap -r).</summary>
    Replace,
}

/// <summary>Reads a whole source file of a lookup table, in postmap(1) or aliases(5) syntax.</summary>
/// <param name="name">The file's name, for warnings.</param>
/// <param name="aliases">aliases(5) syntax.</param>
/// <param name="warn">Takes what is wrong with lines of the file.</param>
public sealed class TableSource(string name, bool aliases, Action<string> warn)
{
    public DuplicateKeys Duplicates { get; init; }

    public KeyFolding Folding { get; init; }

    /// <summary>The table that gets the entries, for warnings of duplicates; null when it is the file's own, whose line is told then.</summary>
    public string? Table { get; init; }

    /// <summary>Warnings of duplicates show the key as it is in the file, as texthash: does.</summary>
    public bool ShowsKeysAsWritten { get; init; }

    /// <summary>Makes the value that is stored of the one in the file, or gives null and what is wrong with it; such an entry is skipped.</summary>
    public Func<string, (string? Value, string? Problem)>? Convert { get; init; }

    /// <summary>The entries of <paramref name="text"/>, where bytes that are no UTF-8 have become U+FFFD.</summary>
    public Dictionary<string, string> Read(string text)
    {
        var entries = new Dictionary<string, string>(StringComparer.Ordinal);
        var lines = new LogicalLines(text);
        while (lines.MoveNext())
        {
            // There is no line before that this one could continue.
            if (char.IsWhiteSpace(lines.Current, 0))
            {
                warn($"{name}: logical line must not start with whitespace: \"{lines.Current}\"");
                continue;
            }

            var (key, value, problem) = aliases ? AliasSource.Read(lines.Current) : MapSource.Read(lines.Current);
            if (problem is not null)
            {
                warn($"{name}, line {lines.LineNumber}: {problem}");
            }

            if (key is null)
            {
                continue;
            }

            if (Convert is not null)
            {
                (var converted, problem) = Convert(value);
                if (converted is null)
                {
                    warn($"{name}, line {lines.LineNumber}: {problem}: skipping this entry");
                    continue;
                }

                value = converted;
            }

            Add(entries, key, value, lines.LineNumber);
        }

        return entries;
    }

    private void Add(Dictionary<string, string> entries, string written, string value, int line)
    {
        var key = Folding.Apply(written);
        if (Duplicates == DuplicateKeys.Replace)
        {
            entries[key] = value;
        }
        else if (!entries.TryAdd(key, value) && Duplicates == DuplicateKeys.Warn)
        {
            warn($"{Table ?? $"{name}, line {line}"}: duplicate entry: \"{(ShowsKeysAsWritten ? written : key)}\"");
        }
    }
}
