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
        var printer = new PostconfPrinter(terminal.Out, options);
        var unmatched = new HashSet<string>(options.Operands, StringComparer.Ordinal);
        foreach (var operand in operands)
        {
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
                if (Matches(operand.Split('/', 3), entry) && ShowEntry(printer, options, files, entry, Attribute(operand)))
                {
                    unmatched.Remove(operand);
                }
            }
        }

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
        var attributes = options.Has('F') ? Fields(entry, settings) : (service?.Overrides ?? []).OrderBy(o => o.Key, StringComparer.Ordinal);
        foreach (var (name, raw) in attributes)
        {
            if (attribute is "*" || attribute == name)
            {
                found = true;
                var value = options.Has('P') && settings is not null ? settings.Expand(raw).Value : raw;
                var full = $"{entry.Fields[0]}/{entry.Fields[1]}/{name}";
                printer.Setting(full, value, () => $"{files.MasterCf.File}:{entry.FirstLine}");
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

        var words = new List<string> { entry.Fields[7] };
        for (var i = 8; i < entry.Fields.Count; i++)
        {
            words.Add(i > 8 && entry.Fields[i - 1] == "-o" ? Override(entry.Fields[i], settings) : entry.Fields[i]);
        }

        yield return new("command", string.Join(' ', words));
    }

    /// <summary>The text of an -o option, in braces when it has white space.</summary>
    private static string Override(string text, Settings? settings)
    {
        if (!MainCf.TrySplit(ValueList.Unbrace(text), out var name, out var value, out _))
        {
            return text;
        }

        return PostconfPrinter.Override(name, settings is null ? value : settings.Expand(value).Value);
    }
}
