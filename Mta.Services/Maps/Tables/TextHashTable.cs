using Mta.Core.Lookup;

namespace Mta.Services.Maps.Tables;

/// <summary><c>texthash:</c>, a postmap(1) source file read when it is opened; the first of two equal keys counts.</summary>
internal static class TextHashTable
{
    /// <param name="warn">Takes what is wrong with lines of the file.</param>
    public static ILookupTable Open(TableReference reference, Action<string> warn)
    {
        string text;
        try
        {
            text = File.ReadAllText(reference.Name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new FailingTable(reference.ToString(), $"open {reference}: {e.Message}");
        }

        var entries = new Dictionary<string, string>(StringComparer.Ordinal);
        var lines = new LogicalLines(text);
        while (lines.MoveNext())
        {
            var (key, value, problem) = MapSource.Read(lines.Current);
            if (problem is not null)
            {
                warn($"{reference.Name}, line {lines.LineNumber}: {problem}");
            }

            if (key is not null && !entries.TryAdd(key.ToLowerInvariant(), value))
            {
                warn($"{reference.Name}, line {lines.LineNumber}: duplicate entry: \"{key.ToLowerInvariant()}\"");
            }
        }

        return new MemoryTable(reference.ToString(), entries);
    }
}
