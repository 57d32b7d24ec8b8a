using System.Globalization;
using System.Text.Json;

namespace Mta.Benchmarks;

/// <summary>Medians over the turns as a table, and all values as JSON.</summary>
internal static class Report
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static void Print(TextWriter output, BenchmarkOptions options, IReadOnlyList<Measurement> results)
    {
        var servers = results.Select(r => r.Server).Distinct().ToArray();
        var compare = servers.Length == 2;
        output.WriteLine($"Medians over {options.Turns} turn{(options.Turns == 1 ? "" : "s")}, {Environment.ProcessorCount} processors{(options.Quick ? ", quick: not a measurement" : "")}");
        output.WriteLine();
        output.WriteLine($"| {"what",-46} | unit  | {string.Join(" | ", servers.Select(s => $"{s,9}"))} |{(compare ? " ratio |" : "")}");
        output.WriteLine($"|{new string('-', 48)}|-------|{string.Concat(servers.Select(_ => "----------:|"))}{(compare ? "------:|" : "")}");
        foreach (var row in results.GroupBy(r => r.What))
        {
            var unit = row.First().Unit;
            var medians = servers.Select(s => Statistics.Median(row.Where(r => r.Server == s).Select(r => r.Value))).ToArray();
            output.Write($"| {row.Key,-46} | {unit,-5} | {string.Join(" | ", medians.Select(m => $"{Format(m),9}"))} |");

            // How many times as good as Postfix: of rates ours by theirs, of times and sizes theirs by ours.
            output.WriteLine(compare ? $" {Format(unit == "msg/s" ? medians[0] / medians[1] : medians[1] / medians[0]),5} |" : "");
        }
    }

    public static string ToJson(BenchmarkOptions options, IReadOnlyList<Measurement> results) => JsonSerializer.Serialize(
        new
        {
            processors = Environment.ProcessorCount,
            options.Turns,
            options.Quick,
            results = results.GroupBy(r => (r.What, r.Unit, r.Server)).Select(g => new
            {
                g.Key.What,
                g.Key.Unit,
                g.Key.Server,
                median = Statistics.Median(g.Select(r => r.Value)),
                values = g.Select(r => r.Value),
            }),
        },
        Indented);

    private static string Format(double value) => value.ToString(Math.Abs(value) >= 100 ? "0" : Math.Abs(value) >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture);
}
