using System.Text;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Core.Lookup.Patterns;
using Mta.Services.Configuration;
using Mta.Storage.Maps;

namespace Mta.Tools.Postmap;

/// <summary>Making and changing tables.</summary>
internal sealed partial class MapTool
{
    private async Task WriteAsync(TableReference reference, CancellationToken cancellationToken)
    {
        var isAddition = options.Action == MapAction.Add;
        if (!isAddition && reference.IsPatterns)
        {
            await StoreRulesAsync(reference, cancellationToken).ConfigureAwait(false);
            return;
        }

        if (!isAddition && reference.IsStored && !reference.HasSourceFile)
        {
            throw new MapToolException($"{reference} has no source file; add entries with -i, or by SQL");
        }

        var text = isAddition ? await ReadInputAsync(cancellationToken).ConfigureAwait(false) : await ReadFileAsync(reference.Name, cancellationToken).ConfigureAwait(false);
        RequireStored(reference);
        var entries = new TableSource(isAddition ? "stdin" : reference.Name, options.Aliases, WarnOfLine)
        {
            Duplicates = options.Duplicates,
            FoldKeys = options.FoldKeys,
        }.Read(text);
        if (options.Base64)
        {
            entries = await EncodeFilesAsync(entries, cancellationToken).ConfigureAwait(false);
        }

        var writer = new LookupWriter(await SourceAsync(cancellationToken).ConfigureAwait(false));
        if (!isAddition)
        {
            using var progress = new ProgressLine(terminal);
            await writer.BuildAsync(
                reference.Name,
                Kind,
                entries,
                onlyIfMissing: false,
                cancellationToken,
                sent => progress.Show($"{reference.Name}: {sent} of {entries.Count} entries")).ConfigureAwait(false);
            return;
        }

        var replace = options.Duplicates == DuplicateKeys.Replace;
        foreach (var key in await writer.AddAsync(reference.Name, Kind, entries, replace, cancellationToken).ConfigureAwait(false))
        {
            if (options.Duplicates == DuplicateKeys.Warn)
            {
                terminal.Warning($"{reference.Name}: duplicate entry: \"{key}\"");
            }
        }
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
        var folded = keys.Select(Fold).ToArray();
        var found = false;
        foreach (var table in options.Tables)
        {
            var reference = Reference(table);
            if (!reference.IsStored)
            {
                throw new MapToolException($"{reference} map requires O_RDONLY access mode");
            }

            var database = await SourceAsync(cancellationToken).ConfigureAwait(false);
            await RequireTableAsync(new LookupStore(database), reference, cancellationToken).ConfigureAwait(false);
            found |= await new LookupWriter(database).DeleteAsync(reference.Name, folded, cancellationToken).ConfigureAwait(false) > 0;
        }

        return found;
    }

    /// <summary>Lines of files are shown as Postfix shows them: a control character is a question mark.</summary>
    private void WarnOfLine(string text) =>
        terminal.Warning(string.Create(text.Length, text, static (target, source) =>
        {
            for (var i = 0; i < source.Length; i++)
            {
                target[i] = char.IsControl(source[i]) ? '?' : source[i];
            }
        }));

    private static void RequireStored(TableReference reference)
    {
        if (!reference.IsStored)
        {
            throw new MapToolException($"unsupported dictionary type: {reference.Type} does not support bulk-mode creation.");
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

    /// <summary>Each value names files; their content, with a line end between two, is stored in base64 (-F).</summary>
    private static async Task<Dictionary<string, string>> EncodeFilesAsync(Dictionary<string, string> entries, CancellationToken cancellationToken)
    {
        var encoded = new Dictionary<string, string>(entries.Count, StringComparer.Ordinal);
        foreach (var (key, value) in entries)
        {
            using var content = new MemoryStream();
            foreach (var path in ValueList.Split(value))
            {
                if (content.Length > 0)
                {
                    content.WriteByte((byte)'\n');
                }

                try
                {
                    await content.WriteAsync(await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
                {
                    throw new MapToolException($"open {path}: {OpenFailure.Reason(path, e)}");
                }
            }

            encoded[key] = Convert.ToBase64String(content.GetBuffer(), 0, (int)content.Length);
        }

        return encoded;
    }
}
