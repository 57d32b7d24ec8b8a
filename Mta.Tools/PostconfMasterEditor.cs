using Mta.Core.Config;
using Mta.Services.Configuration;

namespace Mta.Tools;

/// <summary>
/// Edits master.cf: whole entries (<c>-Me name/type=entry</c>, <c>-MX</c>, <c>-M#</c>), fields (<c>-Fe name/type/field=value</c>) and
/// <c>-o</c> settings (<c>-Pe name/type/parameter=value</c>, <c>-PX</c>). Values may have white space; Postfix 3.7 refuses it there.
/// </summary>
internal static class PostconfMasterEditor
{
    private const int CommandField = 7;

    public static async Task<int> RunAsync(Terminal terminal, PostconfOptions options, CancellationToken cancellationToken)
    {
        var requests = new List<Request>();
        foreach (var operand in options.Operands)
        {
            if (Parse(operand, options, out var problem) is not { } request)
            {
                return terminal.Fatal(problem!);
            }

            requests.Add(request);
        }

        var path = Path.Combine(ConfigurationDirectory.Find(options.ConfigDirectory), "master.cf");
        return await PostconfFile.EditAsync(terminal, path, Edit, cancellationToken).ConfigureAwait(false);

        string? Edit(string text) => PostconfMasterEditor.Edit(terminal, options, path, text, requests);
    }

    private static Request? Parse(string operand, PostconfOptions options, out string? problem)
    {
        problem = null;
        string key = operand.Trim(), value = "";
        if (options.Has('e') && !MainCf.TrySplit(operand, out key, out value, out var error))
        {
            problem = $"{error}: \"{operand}\"";
            return null;
        }

        var parts = key.Split('/', options.Has('M') ? 2 : 3);
        if (options.Has('M'))
        {
            var fields = MasterOptions.Normalize(MasterCf.SplitFields(PostconfFile.AsBytes(value)), CommandField + 1, static _ => { });
            problem = parts.Length != 2 || parts[1].Contains('/') ? "-Me, -MX or -M# requires service_name/type"
                : options.Has('e') && fields.Count <= CommandField ? $"bad field count: \"{operand}\""
                : null;
            return problem is null ? new Request(operand, parts, fields) : null;
        }

        problem = parts.Length != 3 && options.Has('F') ? "-Fe or -FX requires service_name/type/field_name"
            : parts.Length != 3 ? "-Pe or -PX requires service_name/type/parameter"
            : options.Has('P') && parts[2] == "*" ? "-Pe does not accept wild-card parameter name"
            : options.Has('F') && !PostconfMaster.FieldNames.Contains(parts[2]) ? $"invalid service attribute name: \"{parts[2]}\""
            : null;
        problem ??= options.Has('F') && options.Has('e') ? FieldProblem(parts[2], PostconfFile.AsBytes(value)) : null;
        return problem is null ? new Request(operand, parts, [PostconfFile.AsBytes(value)]) : null;
    }

    /// <summary>What is wrong with the value of a field, whatever the entry is.</summary>
    private static string? FieldProblem(string name, string value)
    {
        string[] fields = ["x", "unix", "-", "-", "-", "-", "-", "x"];
        var index = Array.IndexOf(PostconfMaster.FieldNames, name);
        if (index is 0 or CommandField)
        {
            return null;
        }

        fields[index] = value;
        var error = MasterCf.ParseLeniently("", string.Join(' ', fields)).Problems.FirstOrDefault(p => p.IsError)?.Text;
        return error is null ? null : PostconfChecks.Printable($"invalid {name} field \"{value}\" in \"{value}\"");
    }

    private static string? Edit(Terminal terminal, PostconfOptions options, string path, string text, List<Request> requests)
    {
        var matched = new HashSet<Request>();
        var added = new List<IReadOnlyList<string>>();
        if (options.Has('M') && options.Has('e'))
        {
            var present = MasterCf.ParseLeniently(path, text).Entries;
            added.AddRange(requests.Where(r => !present.Any(r.Matches)).Select(r => r.Value));
        }

        var edited = MasterCfEditor.Apply(text, Change, PostconfPrinter.FormatMasterEntry, added);
        foreach (var request in requests.Where(r => !options.Has('M') && !matched.Contains(r)))
        {
            terminal.Warning($"unmatched service_name/type: \"{request.Operand}\"");
        }

        var error = MasterCf.ParseLeniently(path, edited).Problems.FirstOrDefault(p => p.IsError);
        if (error is not null)
        {
            terminal.Fatal(PostconfChecks.Printable(error.Text));
            return null;
        }

        return edited;

        MasterCfEdit Change(MasterCfEntry entry)
        {
            var fields = entry.Fields;
            foreach (var request in requests)
            {
                if (!request.Matches(entry))
                {
                    continue;
                }

                var isFirst = matched.Add(request);
                if (options.Has('M') && options.Has('e') && !isFirst)
                {
                    // The new entry takes the place of all that match.
                    return new MasterCfEdit(null);
                }

                if (options.Has('M'))
                {
                    return options.Has('e') ? new MasterCfEdit(request.Value) : new MasterCfEdit(null, BecomesComment: options.Has('#'));
                }

                fields = options.Has('F') ? WithField(fields, request) : WithOverride(fields, request, remove: options.Has('X'));
            }

            return new MasterCfEdit(fields);
        }
    }

    private static List<string> WithField(IReadOnlyList<string> fields, Request request)
    {
        var index = Array.IndexOf(PostconfMaster.FieldNames, request.Key[2]);
        return index == CommandField
            ? MasterOptions.Normalize([.. fields.Take(CommandField), .. MasterCf.SplitFields(request.Value[0])], CommandField + 1, static _ => { })
            : [.. fields.Take(index), request.Value[0], .. fields.Skip(index + 1)];
    }

    /// <summary>Changes the setting where it stands, else puts it behind the other options.</summary>
    private static List<string> WithOverride(IReadOnlyList<string> fields, Request request, bool remove)
    {
        var changed = new List<string>(fields.Take(CommandField + 1));
        var setting = MasterOptions.Format(request.Key[2], request.Value[0]);
        var isSet = remove;
        var inOptions = true;
        var end = CommandField + 1;
        for (var i = CommandField + 1; i < fields.Count; i++)
        {
            inOptions &= fields[i] is ['-', _, ..] and not "--";
            if (!inOptions || fields[i] != "-o" || i + 1 == fields.Count)
            {
                changed.Add(fields[i]);
                end = inOptions ? changed.Count : end;
                continue;
            }

            var text = fields[++i];
            var isIt = MainCf.TrySplit(ValueList.Unbrace(text), out var name, out _, out _) && name == request.Key[2];
            if (!isIt)
            {
                changed.AddRange(["-o", text]);
            }
            else if (!isSet)
            {
                changed.AddRange(["-o", setting]);
                isSet = true;
            }

            end = changed.Count;
        }

        if (!isSet)
        {
            changed.InsertRange(end, ["-o", setting]);
        }

        return changed;
    }

    private sealed record Request(string Operand, string[] Key, List<string> Value)
    {
        public bool Matches(MasterCfEntry entry) => (Key[0] is "*" || Key[0] == entry.Fields[0]) && (Key[1] is "*" || Key[1] == entry.Fields[1]);
    }
}
