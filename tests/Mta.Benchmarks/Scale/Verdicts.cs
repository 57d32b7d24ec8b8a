using System.Globalization;

namespace Mta.Benchmarks.Scale;

/// <summary>Figures beside what they have to be: printed as they come, and as a table at the end.</summary>
internal sealed class Verdicts(TextWriter output)
{
    private readonly List<(string What, string Value, string Limit, bool? Kept)> rows = [];

    /// <summary>False when a figure has missed its limit.</summary>
    public bool AllKept => rows.TrueForAll(r => r.Kept != false);

    public void AtMost(string what, double value, double limit, string unit) => Add(what, value, "<= ", limit, unit, value <= limit);

    public void AtLeast(string what, double value, double limit, string unit) => Add(what, value, ">= ", limit, unit, value >= limit);

    /// <summary>The figures that missed their limits.</summary>
    public IEnumerable<string> Missed => rows.Where(r => r.Kept == false).Select(r => $"{r.What}: {r.Value}, to be {r.Limit}");

    /// <summary>A figure without a limit.</summary>
    public void Note(string what, double value, string unit) => Add((what, Text(value, unit), "", null));

    public void Print()
    {
        output.WriteLine();
        output.WriteLine($"| {"what",-66} | {"measured",12} | {"limit",12} |        |");
        output.WriteLine($"|{new string('-', 68)}|{new string('-', 13)}:|{new string('-', 13)}:|--------|");
        foreach (var (what, value, limit, kept) in rows)
        {
            output.WriteLine($"| {what,-66} | {value,12} | {limit,12} | {(kept is null ? "" : kept.Value ? "kept" : "MISSED"),-6} |");
        }
    }

    private static string Text(double value, string unit) => string.Create(
        CultureInfo.InvariantCulture, $"{value.ToString(Math.Abs(value) >= 100 ? "0" : Math.Abs(value) >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture)} {unit}");

    private void Add(string what, double value, string sign, double limit, string unit, bool kept) =>
        Add((what, Text(value, unit), sign + Text(limit, unit), kept));

    private void Add((string What, string Value, string Limit, bool? Kept) row)
    {
        rows.Add(row);
        Console.Error.WriteLine($"bench: {row.What}: {row.Value}{(row.Limit.Length > 0 ? $" (to be {row.Limit})" : "")}");
    }
}
