using Mta.Core.Commands;
using Mta.Core.Config;
using Mta.Services.Configuration;

namespace Mta.Tools;

/// <summary>Shows master.cf: entries (-M), their fields (-F) or their -o settings (-P).</summary>
internal static class PostconfMaster
{
    /// <summary>The names of the eight fields, in order.</summary>
    public static readonly string[] FieldNames = ["service", "type", "private", "unprivileged", "chroot", "wakeup", "process_limit", "command"];

    public static int Show(Terminal terminal, PostconfOptions options, PostconfFiles files)
    {
        IReadOnlyList<string> operands = options.Operands.Count > 0 ? options.Operands : ["*/*/*"];
        var printer = new PostconfPrinter(options);
        var unmatched = new HashSet<string>(options.Operands, StringComparer.Ordinal);
        foreach (var operand in operands)
        {
            if (options.Has('M') && operands == options.Operands && operand.Count(c => c == '/') > 1)
            {
                return terminal.Fatal("-M option requires service_name[/type]");
            }

            if (options.Has('F') && Attribute(operand) is var name && name != "*" && !FieldNames.Contains(name))
            {
                return terminal.Fatal($"invalid service attribute name: \"{name}\"");
            }
        }

        // In the order of master.cf, whatever the order of the operands.
        foreach (var entry in files.MasterCf.Entries)
        {
            foreach (var operand in operands)
            {
                try
                {
                    if (Matches(operand.Split('/', 3), entry) && ShowEntry(printer, options, files, entry, Attribute(operand)))
                    {
                        unmatched.Remove(operand);
                    }
                }
                catch (SettingsException e)
                {
                    return PostconfChecks.Refuse(terminal, e.Message, "macro processing error");
                }
            }
        }

        printer.Flush(terminal);

        foreach (var operand in options.Operands.Where(unmatched.Contains))
        {
            terminal.Warning($"unmatched request: \"{operand}\"");
        }

        return ExitCode.Ok;
    }

    private static string Attribute(string operand) => operand.Split('/', 3) is [_, _, var attribute] ? attribute : "*";

    private static bool Matches(string[] pattern, MasterCfEntry entry) =>
        (pattern[0] is "*" || pattern[0] == entry.Fields[0])
        && (pattern.Length < 2 || pattern[1] is "*" or "" || pattern[1] == entry.Fields[1]);

    private static bool ShowEntry(PostconfPrinter printer, PostconfOptions options, PostconfFiles files, MasterCfEntry entry, string attribute)
    {
        var service = files.MasterCf.Services.FirstOrDefault(s => s.Line == entry.FirstLine);
        var settings = service is null || !options.Has('x') ? null : LoadedConfiguration.ForService(files.Settings, service);
        if (options.Has('M'))
        {
            if (options.Has('j'))
            {
                printer.JsonEntry(Fields(entry, settings));
            }
            else
            {
                printer.MasterEntry(entry.Fields, o => Override(o, settings));
            }

            return true;
        }

        var found = false;
        var attributes = options.Has('F') ? Fields(entry, settings) : (service?.Overrides ?? []).Reverse().DistinctBy(o => o.Key).OrderBy(o => o.Key, StringComparer.Ordinal);
        foreach (var (name, raw) in attributes)
        {
            if (attribute is "*" || attribute == name)
            {
                found = true;
                var value = options.Has('P') && settings is not null ? Expanded(settings, raw) : raw;
                var full = $"{entry.Fields[0]}/{entry.Fields[1]}/{name}";
                if (options.Has('F') && name == "command" && !options.Has('j'))
                {
                    printer.Command(full, entry.Fields, o => Override(o, settings));
                }
                else
                {
                    printer.Setting(full, value, () => $"{files.MasterCf.File}:{entry.FirstLine}");
                }
            }
        }

        return found;
    }

    private static IEnumerable<KeyValuePair<string, string>> Fields(MasterCfEntry entry, Settings? settings)
    {
        for (var i = 0; i < FieldNames.Length - 1; i++)
        {
            yield return new(FieldNames[i], entry.Fields[i]);
        }

        var words = new List<string>(entry.Fields.Skip(FieldNames.Length - 1));
        for (var i = 1; i + 1 < words.Count && words[i] is ['-', _, ..] and not "--"; i++)
        {
            if (words[i] == "-o")
            {
                i++;
                words[i] = Override(words[i], settings);
            }
        }

        yield return new("command", string.Join(' ', words));
    }

    /// <summary>The text of an -o option, expanded when there are settings to do so.</summary>
    private static string Override(string text, Settings? settings) =>
        settings is not null && MainCf.TrySplit(ValueList.Unbrace(text), out var name, out var value, out _)
            ? MasterOptions.Format(name, Expanded(settings, value))
            : text;

    private static string Expanded(Settings settings, string text) =>
        settings.Expand(text) is { Error: null } expansion ? expansion.Value : throw new SettingsException(settings.Expand(text).Error!);
}
