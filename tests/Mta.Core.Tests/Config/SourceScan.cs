using System.Reflection;
using System.Text.RegularExpressions;
using Mta.Core.Config;

namespace Mta.Core.Tests.Config;

/// <summary>Finds which parameters the program's sources read.</summary>
internal static partial class SourceScan
{
    private static readonly string[] Projects = ["Mta.Core", "Mta.Storage", "Mta.Services", "Mta.Daemon", "Mta.Tools"];

    /// <summary>The parameters that the configuration itself acts on.</summary>
    private static readonly string[] ReadByConfiguration = ["compatibility_level", "config_directory", "mynetworks_style", "process_id", "process_name", "service_name"];

    /// <summary>
    /// Those that are named as <c>Parameters.Name</c> outside the table, and those that the default of such a one refers to.
    /// </summary>
    public static HashSet<string> HonouredParameters(string root)
    {
        var names = typeof(Parameters).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(f => f.GetValue(null) is Parameter)
            .ToDictionary(f => f.Name, f => ((Parameter)f.GetValue(null)!).Name, StringComparer.Ordinal);
        var honoured = new HashSet<string>(ReadByConfiguration, StringComparer.Ordinal);
        foreach (var file in Projects.SelectMany(p => Sources(Path.Combine(root, p))))
        {
            foreach (Match match in Reference().Matches(File.ReadAllText(file)))
            {
                if (names.TryGetValue(match.Groups[1].Value, out var name))
                {
                    honoured.Add(name);
                }
            }
        }

        var pending = new Queue<string>(honoured);
        while (pending.TryDequeue(out var name))
        {
            foreach (var referred in UnusedParameters.References(Parameters.ByName[name].DefaultText).Where(Parameters.ByName.ContainsKey))
            {
                if (honoured.Add(referred))
                {
                    pending.Enqueue(referred);
                }
            }
        }

        // local_destination_concurrency_limit and the like are read by the general parameter and the transport's name.
        honoured.UnionWith(Parameters.All.Select(p => p.Name).Where(n => TransportParameters.Find(n) is { } general && honoured.Contains(general.Name)));
        return honoured;
    }

    private static IEnumerable<string> Sources(string project) =>
        Directory.EnumerateFiles(project, "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal) && !f.Contains("/Mta.Core/Config/", StringComparison.Ordinal));

    [GeneratedRegex(@"\bParameters\.(\w+)")]
    private static partial Regex Reference();
}
