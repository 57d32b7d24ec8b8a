using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Mta.Core.Addresses;
using Mta.Core.Lookup;
using Mta.Services.Clients;
using Mta.Services.Maps;
using Mta.Services.Maps.Stored;
using Mta.Services.Maps.Tables;
using Mta.Storage.Maps;

namespace Mta.Tools.Postmap;

/// <summary>Querying and listing tables. Nothing is cached and nothing is imported: what is shown is what the database has.</summary>
internal sealed partial class MapTool
{
    private static readonly JsonSerializerOptions JsonText = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private delegate Task<string?> Find(string key, CancellationToken cancellationToken);

    private async Task<bool> QueryOneAsync(CancellationToken cancellationToken)
    {
        foreach (var table in options.Tables)
        {
            // What -F decodes need not be text.
            var bytes = options.Base64 && !options.Json;
            var find = await OpenAsync(Reference(table), bytes, cancellationToken).ConfigureAwait(false);
            var key = bytes ? Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(options.Key)) : options.Key;
            if (key.Length > 0 && await find(key, cancellationToken).ConfigureAwait(false) is { } value)
            {
                WarnOfEmpty(Reference(table), options.Key, value);
                if (options.Json)
                {
                    PrintEntry(options.Key, value);
                }
                else
                {
                    terminal.Output.Write((bytes ? Encoding.Latin1 : Encoding.UTF8).GetBytes(value + "\n"));
                }

                return true;
            }
        }

        return false;
    }

    private async Task<bool> QueryAllAsync(CancellationToken cancellationToken)
    {
        var tables = new List<(TableReference Reference, Find Find)>();
        var bytes = (options.AllowsBytes || options.Base64) && !options.Json;
        foreach (var reference in options.Tables.Select(Reference))
        {
            tables.Add((reference, await OpenAsync(reference, bytes, cancellationToken).ConfigureAwait(false)));
        }

        var found = false;
        var encoding = bytes ? Encoding.Latin1 : Encoding.UTF8;
        using var reader = new StreamReader(terminal.Input, encoding, detectEncodingFromByteOrderMarks: false, leaveOpen: true);
        while (await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } key)
        {
            foreach (var (reference, find) in tables)
            {
                if (key.Length > 0 && await find(key, cancellationToken).ConfigureAwait(false) is { } value)
                {
                    WarnOfEmpty(reference, key, value);
                    PrintEntry(key, value, encoding);
                    found = true;
                    break;
                }
            }
        }

        return found;
    }

    private async Task ListAsync(string operand, CancellationToken cancellationToken)
    {
        var reference = Reference(operand);
        if (IsProxy(operand))
        {
            throw new MapToolException("can't sequence maps via the proxy service");
        }

        Explain($"dict_open: {reference}");
        RequireName(reference);
        if (reference.IsStored)
        {
            var store = new LookupStore(await SourceAsync(cancellationToken).ConfigureAwait(false));
            await RequireTableAsync(store, reference, cancellationToken).ConfigureAwait(false);
            await store.ReadAllAsync(reference.Name, (key, value) => PrintDecoded(reference, key, value), cancellationToken).ConfigureAwait(false);
            return;
        }

        await using var registry = new TableRegistry(new MailLog(new Warnings(terminal)), TimeProvider.System);
        if (RequireOpen(OpenUnfolded(reference) ?? registry.Open(reference.ToString()), reference) is not IListedTable table)
        {
            throw new MapToolException(reference.Type == "fail" ? $"table {reference}: sequence error: Application error" : $"table {reference}: sequence operation is not supported");
        }

        foreach (var (key, value) in table.Entries)
        {
            if (key.Length == 0)
            {
                terminal.Warning($"table {reference}: empty lookup key value is not allowed");
            }

            WarnOfEmpty(reference, key, value);
            PrintDecoded(reference, key, value);
        }
    }

    /// <param name="bytes">Keys and results are bytes, each a character (Latin-1).</param>
    private async Task<Find> OpenAsync(TableReference reference, bool bytes, CancellationToken cancellationToken)
    {
        Explain($"dict_open: {reference}");
        RequireName(reference);
        if (reference.IsStored)
        {
            var store = new LookupStore(await SourceAsync(cancellationToken).ConfigureAwait(false));
            await RequireTableAsync(store, reference, cancellationToken).ConfigureAwait(false);
            return Checked(reference, bytes, async (key, stop) =>
            {
                var text = bytes ? Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(key)) : key;
                if (text.Contains('\0') || text.Contains('\ufffd'))
                {
                    return null;
                }

                var value = (await store.FindAsync(reference.Name, options.Folding.Apply(text), stop).ConfigureAwait(false)).Value;
                return bytes && value is not null ? Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(value)) : value;
            });
        }

        // A failure is told once, as fatal.
        var database = NeedsDatabase(reference) ? await SourceAsync(cancellationToken).ConfigureAwait(false) : null;
        var registry = new TableRegistry(new MailLog(new Warnings(terminal)), TimeProvider.System, database);
        registry.Use(settings);
        var (table, takesBytes) = OpenUnfolded(reference) is { } unfolded ? (unfolded, false)
            : bytes ? registry.OpenForContent(reference)
            : (registry.Open(reference.ToString()), true);
        RequireOpen(table, reference);
        if (table is StoredPatternTable patterns)
        {
            await patterns.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (patterns.Problem is { } problem)
            {
                throw new MapToolException(problem);
            }
        }

        return Checked(reference, bytes, async (key, stop) =>
        {
            var result = await ContentTables.FindAsync(table, takesBytes || !bytes, key, stop).ConfigureAwait(false);
            return result.IsFailed ? throw new MapToolException($"table {reference}: query error: {Reason(result.Text)}") : result.IsFound ? result.Value : null;
        });
    }

    /// <summary>The source file with its keys as they are (-f), which no service reads so; null for another table or without that option.</summary>
    private IListedTable? OpenUnfolded(TableReference reference) =>
        reference.Type == "texthash" && options.Folding != KeyFolding.Unicode && File.Exists(reference.Name)
            ? new UnfoldedTable(
                reference.ToString(),
                options.Folding,
                new TableSource(reference.Name, aliases: false, WarnOfLine) { Folding = options.Folding }.Read(File.ReadAllText(reference.Name)))
            : null;

    /// <summary>With the checks for UTF-8, which are not made of messages unless -U asks for them.</summary>
    private Find Checked(TableReference reference, bool bytes, Find find)
    {
        var isMessage = options.HeaderKeys || options.BodyKeys;
        var checks = isMessage ? options.ChecksMessages && !options.AllowsBytes : !options.AllowsBytes;
        return async (key, stop) =>
        {
            if (checks && !IsUtf8(key, bytes))
            {
                terminal.Warning($"{reference}: non-UTF-8 key \"{AsText(key, bytes)}\": malformed UTF-8 or invalid codepoint");
                return null;
            }

            var value = await find(key, stop).ConfigureAwait(false);
            if (value is not null && options.Base64)
            {
                value = Decoded(reference, key, value, bytes) ?? throw new MapToolException($"table {reference}: query error");
            }
            else if (checks && value is not null && !IsUtf8(value, bytes))
            {
                terminal.Warning($"{reference}: key \"{AsText(key, bytes)}\": non-UTF-8 value \"{AsText(value, bytes)}\": malformed UTF-8 or invalid codepoint");
                throw new MapToolException($"table {reference}: query error{(isMessage ? ": Application error" : "")}");
            }

            Explain(value is null ? $"dict_lookup: {reference}: {AsText(key, bytes)} = (notfound)" : $"dict_lookup: {reference}: {AsText(key, bytes)} = {AsText(value, bytes)}", 2);
            return value;
        };
    }

    private static bool IsUtf8(string text, bool bytes) => bytes ? Utf8.IsValid(Encoding.Latin1.GetBytes(text)) : !text.Contains('\ufffd');

    private static string AsText(string text, bool bytes) => Shown(bytes ? Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(text)) : text);

    private static bool IsProxy(string operand) => operand.StartsWith("proxy:", StringComparison.Ordinal);

    private static void RequireName(TableReference reference)
    {
        if (reference.Name.Length == 0)
        {
            throw new MapToolException($"open dictionary: expecting \"type:name\" form instead of \"{reference}\"");
        }
    }

    /// <summary>A table that cannot be opened says why.</summary>
    private static ILookupTable RequireOpen(ILookupTable table, TableReference reference) =>
        table is FailingTable { Reason: var reason } && reference.Type != "fail" ? throw new MapToolException(reason)
        : table;

    private static string Reason(string failure)
    {
        const string mark = " is unavailable. ";
        var at = failure.IndexOf(mark, StringComparison.Ordinal);
        return at < 0 ? failure : failure[(at + mark.Length)..];
    }

    private void WarnOfEmpty(TableReference reference, string key, string value)
    {
        if (value.Length == 0)
        {
            terminal.Warning($"table {reference}: key {key}: empty string result is not allowed");
            terminal.Warning($"table {reference} should return NO RESULT in case of NOT FOUND");
        }
    }

    /// <summary>Patterns may be stored under the path of their file, and tables may hold stored ones within.</summary>
    private bool NeedsDatabase(TableReference reference) => reference.Type switch
    {
        "cidr" or "regexp" or "pcre" => reference.Name is not ['{', ..] && (!File.Exists(reference.Name) || host.DatabaseIsRunning(settings)),
        "unionmap" or "pipemap" or "debug" => true,
        _ => false,
    };

    private static async Task RequireTableAsync(LookupStore store, TableReference reference, CancellationToken cancellationToken)
    {
        if ((await store.ReadVersionsAsync([reference.Name], cancellationToken).ConfigureAwait(false)).Count == 0)
        {
            throw new MapToolException($"open database {reference.Name}: No such table");
        }
    }

    /// <param name="encoding">Of what the strings hold: text, or bytes as Latin-1.</param>
    private void PrintEntry(string key, string value, Encoding? encoding = null)
    {
        if (encoding == Encoding.Latin1 && !options.Json)
        {
            terminal.Output.Write(Encoding.Latin1.GetBytes($"{key}{(options.Aliases ? ":" : "")}\t{value}\n"));
            return;
        }

        if (options.Json)
        {
            terminal.Out.Write($"{{{JsonSerializer.Serialize(key, JsonText)}: {JsonSerializer.Serialize(value, JsonText)}}}\n");
        }
        else
        {
            terminal.Out.Write($"{key}{(options.Aliases ? ":" : "")}\t{value}\n");
        }
    }

    /// <summary>A name as the source file of aliases has it; keys of other tables are in external form already.</summary>
    private string Quoted(string key) =>
        !options.Aliases || AddressQuoting.IsDotString(key) ? key : AddressQuoting.ToExternal(key + "@")[..^1];

    /// <summary>An entry of a list; one that cannot be decoded is warned of and left out.</summary>
    private void PrintDecoded(TableReference reference, string key, string value)
    {
        var bytes = options.Base64 && !options.Json;
        if (Decoded(reference, key, value, bytes) is not { } decoded)
        {
            return;
        }

        if (bytes)
        {
            PrintEntry(Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(Quoted(key))), decoded, Encoding.Latin1);
        }
        else
        {
            PrintEntry(Quoted(key), decoded);
        }
    }

    /// <summary>What -F makes of a value; null, with a warning, of one that is not base64.</summary>
    private string? Decoded(TableReference reference, string key, string value, bool bytes)
    {
        if (!options.Base64)
        {
            return value;
        }

        try
        {
            return (bytes ? Encoding.Latin1 : Encoding.UTF8).GetString(Convert.FromBase64String(value));
        }
        catch (FormatException)
        {
            terminal.Warning($"table {reference}: key {key}: malformed BASE64 value: {value}");
            return null;
        }
    }

    private sealed class UnfoldedTable(string reference, KeyFolding folding, Dictionary<string, string> entries) : IListedTable
    {
        public string Reference => reference;

        public bool MatchesWholeKey => false;

        public IEnumerable<KeyValuePair<string, string>> Entries => entries;

        public ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken) =>
            new(entries.TryGetValue(folding.Apply(key), out var value) ? LookupResult.Found(value) : LookupResult.NotFound);
    }

    /// <summary>Shows what is odd in a source file; that a table is unavailable is told by the query that fails.</summary>
    private sealed class Warnings(Terminal terminal) : ILogSink
    {
        public void Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text)
        {
            var line = Encoding.UTF8.GetString(text);
            if (!line.Contains(" is unavailable. ", StringComparison.Ordinal))
            {
                terminal.Error.WriteLine($"{terminal.Name}: {line}");
            }
        }
    }
}
