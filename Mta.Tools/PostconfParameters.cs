using Mta.Core.Commands;
using Mta.Core.Config;

namespace Mta.Tools;

/// <summary>Shows parameters of main.cf: the built-in ones, those of master.cf's services, and those that the user made up.</summary>
internal sealed class PostconfParameters
{
    private readonly Terminal terminal;
    private readonly PostconfOptions options;
    private readonly PostconfFiles files;
    private readonly PostconfPrinter printer;

    /// <summary>Names that services of master.cf have, and their defaults.</summary>
    private readonly Dictionary<string, string> serviceDefaults = new(StringComparer.Ordinal);

    private readonly HashSet<string> userNames;

    public PostconfParameters(Terminal terminal, PostconfOptions options, PostconfFiles files)
    {
        this.terminal = terminal;
        this.options = options;
        this.files = files;
        printer = new PostconfPrinter(options);
        foreach (var service in files.MasterCf.Services)
        {
            // Postfix shows none for discard(8), though the queue manager reads them.
            foreach (var (name, general) in service.Command == "discard" ? [] : TransportParameters.OfService(service.Name, service.Command))
            {
                if (!Parameters.ByName.ContainsKey(name))
                {
                    serviceDefaults[name] = "$" + general.Name;
                }
            }
        }

        userNames = [.. files.MainCf.Entries.Select(e => e.Name)];
        userNames.RemoveWhere(n => Parameters.ByName.ContainsKey(n) || serviceDefaults.ContainsKey(n));
        userNames.ExceptWith(UnusedParameters.Names(files.MainCf, files.MasterCf));
    }

    public int Show()
    {
        IReadOnlyList<string> names = options.Operands.Count > 0 ? options.Operands : Selected().Order(StringComparer.Ordinal).ToArray();
        foreach (var name in names)
        {
            if (!IsKnown(name))
            {
                terminal.Warning($"{name}: unknown parameter");
            }
            else if (!(options.Has('n') && !files.Settings.IsSet(name)) && !ShowOne(name))
            {
                return ExitCode.Failure;
            }
        }

        printer.Flush(terminal);
        return ExitCode.Ok;
    }

    private IEnumerable<string> Selected()
    {
        if (Shows("builtin"))
        {
            foreach (var parameter in Parameters.All)
            {
                yield return parameter.Name;
            }
        }

        foreach (var name in Shows("service") ? serviceDefaults.Keys : Enumerable.Empty<string>())
        {
            yield return name;
        }

        foreach (var name in Shows("user") && !options.Has('d') ? userNames : Enumerable.Empty<string>())
        {
            yield return name;
        }
    }

    private bool Shows(string kind) => options.Classes.Count == 0 || options.Classes.Contains("all") || options.Classes.Contains(kind);

    private bool IsKnown(string name) =>
        Parameters.ByName.ContainsKey(name) || serviceDefaults.ContainsKey(name) || (!options.Has('d') && userNames.Contains(name));

    private bool ShowOne(string name)
    {
        var value = Raw(name) ?? "";
        if (options.Has('x') && Parameters.ByName.GetValueOrDefault(name)?.Kind != ParameterKind.Raw)
        {
            var expansion = Expander.Expand(value, Raw);
            if (expansion.Error is not null)
            {
                PostconfChecks.Refuse(terminal, expansion.Error, "macro processing error");
                return false;
            }

            value = expansion.Value;
        }

        printer.Setting(name, value, () => files.SourceOf(name));
        return true;
    }

    private string? Raw(string name) => files.Settings.Raw(name) ?? serviceDefaults.GetValueOrDefault(name);
}
