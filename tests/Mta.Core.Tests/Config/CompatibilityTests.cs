using System.Globalization;
using System.Text;
using Mta.Core.Config;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Config;

/// <summary>
/// Keeps NotHonoured.txt and the generated part of COMPATIBILITY.md true. Both are rewritten by
/// <c>MTA_REGENERATE=1 dotnet run --project tests/Mta.Core.Tests -- -class Mta.Core.Tests.Config.CompatibilityTests</c>.
/// </summary>
public sealed class CompatibilityTests
{
    private const string Command = "MTA_REGENERATE=1 dotnet run --project tests/Mta.Core.Tests -- -class Mta.Core.Tests.Config.CompatibilityTests";
    private const string Marker = "<!-- What follows is generated; see tests/Mta.Core.Tests/Config/CompatibilityTests.cs -->\n";

    private static readonly string Root = SourceTree.Root;
    private static readonly HashSet<string> Honoured = SourceScan.HonouredParameters(Root);

    private static bool Regenerates => Environment.GetEnvironmentVariable("MTA_REGENERATE") == "1";

    [Fact]
    public async Task Every_parameter_is_read_by_the_program_or_listed_as_not_honoured()
    {
        var path = Path.Combine(Root, "Mta.Core/Config/NotHonoured.txt");
        if (Regenerates)
        {
            await File.WriteAllTextAsync(path, NotHonouredText());
            return;
        }

        var unlisted = Parameters.All.Select(p => p.Name).Where(n => !Honoured.Contains(n) && !NotHonoured.Reasons.ContainsKey(n));
        unlisted.ShouldBeEmpty($"nothing reads these parameters: add them to {path}, or run {Command}");
        var listed = NotHonoured.Reasons.Keys.Where(Honoured.Contains);
        listed.ShouldBeEmpty($"these parameters are read by now: remove them from {path}, or run {Command}");
        NotHonoured.Reasons.Keys.Where(n => !Parameters.ByName.ContainsKey(n)).ShouldBeEmpty($"no such parameters: remove them from {path}");
    }

    [Fact]
    public async Task Compatibility_document_is_up_to_date()
    {
        var path = Path.Combine(Root, "COMPATIBILITY.md");
        var present = await File.ReadAllTextAsync(path);
        var written = present[..(present.IndexOf(Marker, StringComparison.Ordinal) + Marker.Length)];
        var expected = written + Generated();
        if (Regenerates)
        {
            await File.WriteAllTextAsync(path, expected);
            return;
        }

        (present == expected).ShouldBeTrue($"COMPATIBILITY.md is stale: run {Command}");
    }

    private static string NotHonouredText()
    {
        var text = new StringBuilder();
        var groups = Parameters.All.Select(p => p.Name).Where(n => !Honoured.Contains(n)).GroupBy(NotHonouredReasons.Of);
        foreach (var group in groups.OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            text.Append("# ").Append(group.Key).Append('\n');
            foreach (var name in group.Order(StringComparer.Ordinal))
            {
                text.Append(name).Append('\n');
            }
        }

        return text.ToString();
    }

    private static string Generated()
    {
        var text = new StringBuilder();
        var honoured = Parameters.All.Where(p => Honoured.Contains(p.Name)).OrderBy(p => p.Name, StringComparer.Ordinal).ToList();
        text.Append(CultureInfo.InvariantCulture, $"\n### Honoured ({honoured.Count})\n\n| parameter | default | values |\n|---|---|---|\n");
        foreach (var parameter in honoured)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {parameter.Name} | {Code(parameter.DefaultText)} | {Kind(parameter)} |\n");
        }

        var others = Parameters.All.Where(p => !Honoured.Contains(p.Name)).ToList();
        text.Append(CultureInfo.InvariantCulture, $"\n### Known, not honoured ({others.Count})\n\nThey are kept and shown; setting one to something else than its default is warned of.\n");
        foreach (var group in others.Select(p => p.Name).GroupBy(NotHonouredReasons.Of).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n**{group.Key}**: {string.Join(", ", group.Order(StringComparer.Ordinal))}\n");
        }

        return text.ToString();
    }

    private static string Code(string text) => text.Length == 0 ? "" : $"`{(text.Length > 120 ? text[..120] + "..." : text).Replace("|", "\\|", StringComparison.Ordinal)}`";

    private static string Kind(Parameter parameter)
    {
        var unit = parameter.Kind == ParameterKind.Time ? " s" : "";
        var range = (parameter.Min, parameter.Max) switch
        {
            (null, null) or (0, null) => "",
            (_, null) => $", at least {parameter.Min}{unit}",
            _ => $", {parameter.Min ?? 0} to {parameter.Max}{unit}",
        };
        return parameter.Kind switch
        {
            ParameterKind.Bool => "yes or no",
            ParameterKind.Int or ParameterKind.Long => "number" + range,
            ParameterKind.Time => "time" + range,
            ParameterKind.Raw => "text, $name expanded where it is used",
            _ when parameter.Choices is { } choices => (choices.IsList ? "any of " : "one of ") + string.Join(", ", choices.Words.Where(w => w.Length > 0)),
            _ => parameter.Min == 1 ? "text, not empty" : "text",
        };
    }
}
