using System.Text;
using Mta.Core.Lookup;
using Mta.Core.Lookup.Patterns;
using Mta.Services.Configuration;
using Mta.Storage;
using Mta.Storage.Maps;

namespace Mta.Tools.Postmap;

/// <summary>Making and changing tables.</summary>
internal sealed partial class MapTool
{
    private async Task WriteAsync(string operand, CancellationToken cancellationToken)
    {
        var reference = Reference(operand);
        var isAddition = options.Action == MapAction.Add;
        if (IsProxy(operand))
        {
            throw new MapToolException("can't create maps via the proxy service");
        }

        if (!isAddition && reference.IsPatterns && !options.Aliases)
        {
            await StoreRulesAsync(reference, cancellationToken).ConfigureAwait(false);
            return;
        }

        if (!isAddition && reference.IsStored && !reference.HasSourceFile)
        {
            throw new MapToolException($"{reference} has no source file; add entries with -i, or by SQL");
        }

        // Messages name the file as the command line does.
        var given = isAddition ? "stdin" : TableReference.Parse(operand).Name;
        Explain($"open {reference.Type} {TableReference.Parse(operand).Name}");
        var text = isAddition ? await ReadInputAsync(cancellationToken).ConfigureAwait(false) : await ReadFileAsync(given, cancellationToken).ConfigureAwait(false);
        RequireCreation(reference);
        var entries = new TableSource(given, options.Aliases, WarnOfLine)
        {
            Duplicates = options.Duplicates,
            Table = isAddition ? TableReference.Parse(operand).Name : null,
            Folding = options.Folding,
            Convert = options.Base64 ? ValueFiles.Of(isAddition ? null : given, options.KeepsPrivileges).Encode : null,
        }.Read(text);
        if (reference.Type == "fail")
        {
            if (entries.Count > 0)
            {
                throw new MapToolException($"table {reference}: write error: Application error");
            }

            return;
        }

        var writer = new LookupWriter(await SourceAsync(cancellationToken).ConfigureAwait(false));
        if (!isAddition)
        {
            using (var progress = new ProgressLine(terminal))
            {
                void Show(int sent) => progress.Show($"{reference.Name}: {sent} of {entries.Count} entries");
                try
                {
                    await writer.BuildAsync(reference.Name, Kind, entries, onlyIfMissing: false, cancellationToken, Show).ConfigureAwait(false);
                }
                catch (StorageException e) when (LookupWriter.IsRuleBroken(e) && options.Folding != KeyFolding.Unicode)
                {
                    // Typed tables have folded keys; a plain one takes any.
                    await writer.BuildPlainAsync(reference.Name, entries, cancellationToken, Show).ConfigureAwait(false);
                }
            }

            Explain($"{reference}: {entries.Count} entries, in one transaction");
            return;
        }

        var replace = options.Duplicates == DuplicateKeys.Replace;
        var kept = await writer.AddAsync(reference.Name, Kind, entries, replace, cancellationToken).ConfigureAwait(false);
        foreach (var key in kept)
        {
            if (options.Duplicates == DuplicateKeys.Warn)
            {
                terminal.Warning($"{TableReference.Parse(operand).Name}: duplicate entry: \"{key}\"");
            }
        }

        Explain($"{reference}: {entries.Count - kept.Count} entries {(replace ? "added or replaced" : "added")}");
    }

    /// <summary>
    /// Stores a file of patterns, so that all nodes have it, and SQL may change it. Refused when anything in it is wrong: such a rule
    /// would be left out, and that is no way to replace rules that work.
    /// </summary>
    private async Task StoreRulesAsync(TableReference reference, CancellationToken cancellationToken)
    {
        var path = Path.GetFullPath(reference.Name);
        var lines = RuleLine.Read(await ReadFileAsync(path, cancellationToken).ConfigureAwait(false));
        var problems = 0;
        void Warn(string text)
        {
            problems++;
            WarnOfLine(text);
        }

        if (reference.Type == "cidr")
        {
            CidrRules.Read(path, lines, Warn);
        }
        else
        {
            RegexRules.Read(reference.Type, path, lines, Warn);
        }

        if (problems > 0)
        {
            throw new MapToolException($"{path} is not stored: mend these lines first");
        }

        var writer = new LookupWriter(await SourceAsync(cancellationToken).ConfigureAwait(false));
        var kind = LookupKinds.Find(reference.Type)!.Value;
        await writer.BuildRulesAsync(path, kind, [.. lines.Select(l => (l.Number, l.Text))], cancellationToken).ConfigureAwait(false);
    }

    private async Task<bool> DeleteAsync(CancellationToken cancellationToken)
    {
        var keys = options.Key == "-" ? await KeysAsync(cancellationToken).ConfigureAwait(false) : [options.Key];
        var folded = keys.Where(k => !k.Contains('\0') && !k.Contains('\ufffd')).Select(k => options.Folding.Apply(k)).ToArray();
        var found = false;
        foreach (var table in options.Tables)
        {
            var reference = Reference(table);
            Explain($"dict_open: {reference}");
            RequireName(reference);
            if (!reference.IsStored)
            {
                throw new MapToolException(DeletionProblem(reference));
            }

            var database = await SourceAsync(cancellationToken).ConfigureAwait(false);
            await RequireTableAsync(new LookupStore(database), reference, cancellationToken).ConfigureAwait(false);
            var deleted = await new LookupWriter(database).DeleteAsync(reference.Name, folded, cancellationToken).ConfigureAwait(false);
            Explain($"{reference}: {deleted} entries deleted");
            found |= deleted > 0;
        }

        return found;
    }

    private static string DeletionProblem(TableReference reference) =>
        !Postconf.MapTypes.Contains(reference.Type) ? $"unsupported dictionary type: {reference.Type}"
        : reference.Type switch
        {
            "fail" => $"table {reference}: delete error: Application error",
            "static" or "environ" or "memcache" => $"table {reference}: delete operation is not supported",
            _ => $"{reference} map requires O_RDONLY access mode",
        };

    /// <summary>Lines of files are shown as Postfix shows them: a control character is a question mark.</summary>
    private void WarnOfLine(string text) =>
        terminal.Warning(string.Create(text.Length, text, static (target, source) =>
        {
            for (var i = 0; i < source.Length; i++)
            {
                target[i] = char.IsControl(source[i]) ? '?' : source[i];
            }
        }));

    private static void RequireCreation(TableReference reference)
    {
        if (!reference.IsStored && reference.Type != "fail")
        {
            throw new MapToolException(
                $"unsupported dictionary type: {reference.Type}{(Postconf.MapTypes.Contains(reference.Type) ? " does not support bulk-mode creation." : "")}");
        }
    }

    private static async Task<string> ReadFileAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllTextAsync(path, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new MapToolException($"open {path}: {OpenFailure.Reason(path, e)}");
        }
    }

    private async Task<string> ReadInputAsync(CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(terminal.Input, Encoding.UTF8, leaveOpen: true);
        return await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
    }
}
