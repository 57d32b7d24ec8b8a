using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
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
            var find = await OpenAsync(Reference(table), cancellationToken).ConfigureAwait(false);
            if (options.Key.Length > 0 && await find(options.Key, cancellationToken).ConfigureAwait(false) is { } value)
            {
                WarnOfEmpty(Reference(table), options.Key, value);
                if (options.Json)
                {
                    PrintEntry(options.Key, value);
                }
                else
                {
                    terminal.Out.Write(Decoded(value) + "\n");
                }

                return true;
            }
        }

        return false;
    }

    private async Task<bool> QueryAllAsync(CancellationToken cancellationToken)
    {
        var tables = new List<(TableReference Reference, Find Find)>();
        foreach (var reference in options.Tables.Select(Reference))
        {
            tables.Add((reference, await OpenAsync(reference, cancellationToken).ConfigureAwait(false)));
        }

        var found = false;
        using var reader = new StreamReader(terminal.Input, Encoding.UTF8, leaveOpen: true);
        while (await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } key)
        {
            foreach (var (reference, find) in tables)
            {
                if (key.Length > 0 && await find(key, cancellationToken).ConfigureAwait(false) is { } value)
                {
                    WarnOfEmpty(reference, key, value);
                    PrintEntry(key, value);
                    found = true;
                    break;
                }
            }
        }

        return found;
    }

    private async Task ListAsync(TableReference reference, CancellationToken cancellationToken)
    {
        if (reference.IsStored)
        {
            var store = new LookupStore(await SourceAsync(cancellationToken).ConfigureAwait(false));
            await RequireTableAsync(store, reference, cancellationToken).ConfigureAwait(false);
            await store.ReadAllAsync(reference.Name, (key, value) => PrintEntry(Quoted(key), value), cancellationToken).ConfigureAwait(false);
            return;
        }

        await using var registry = new TableRegistry(new MailLog(new Warnings(terminal)), TimeProvider.System);
        if (RequireName(registry.Open(reference.ToString()), reference) is not IListedTable table)
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
            PrintEntry(Quoted(key), value);
        }
    }

    private async Task<Find> OpenAsync(TableReference reference, CancellationToken cancellationToken)
    {
        if (reference.IsStored)
        {
            var store = new LookupStore(await SourceAsync(cancellationToken).ConfigureAwait(false));
            await RequireTableAsync(store, reference, cancellationToken).ConfigureAwait(false);
            return async (key, stop) => key.Contains('\0') ? null : (await store.FindAsync(reference.Name, Fold(key), stop).ConfigureAwait(false)).Value;
        }

        // A failure is told once, as fatal.
        var database = NeedsDatabase(reference) ? await SourceAsync(cancellationToken).ConfigureAwait(false) : null;
        var registry = new TableRegistry(new MailLog(new Warnings(terminal)), TimeProvider.System, database);
        registry.Use(settings);
        var isMessage = options.HeaderKeys || options.BodyKeys;
        var (table, takesBytes) = isMessage ? registry.OpenForContent(reference) : (registry.Open(reference.ToString()), true);
        RequireName(table, reference);
        if (table is StoredPatternTable patterns)
        {
            await patterns.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (patterns.Problem is { } problem)
            {
                throw new MapToolException(problem);
            }
        }

        return async (key, stop) =>
        {
            var result = await ContentTables.FindAsync(table, takesBytes, key, stop).ConfigureAwait(false);
            return result.IsFailed ? throw new MapToolException($"table {reference}: query error: {Reason(result.Text)}") : result.IsFound ? result.Value : null;
        };
    }

    /// <summary>A table that cannot be opened says why.</summary>
    private static ILookupTable RequireName(ILookupTable table, TableReference reference) =>
        reference.Name.Length == 0 ? throw new MapToolException($"open dictionary: expecting \"type:name\" form instead of \"{reference}\"")
        : table is FailingTable { Reason: var reason } && reference.Type != "fail" ? throw new MapToolException(reason)
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

    private void PrintEntry(string key, string value)
    {
        if (options.Json)
        {
            terminal.Out.Write($"{{{JsonSerializer.Serialize(key, JsonText)}: {JsonSerializer.Serialize(Decoded(value), JsonText)}}}\n");
        }
        else
        {
            terminal.Out.Write($"{key}{(options.Aliases ? ":" : "")}\t{Decoded(value)}\n");
        }
    }

    /// <summary>A name as the source file of aliases has it; keys of other tables are in external form already.</summary>
    private string Quoted(string key) =>
        !options.Aliases || AddressQuoting.IsDotString(key) ? key : AddressQuoting.ToExternal(key + "@")[..^1];

    private string Decoded(string value)
    {
        if (!options.Base64)
        {
            return value;
        }

        try
        {
            return Encoding.UTF8.GetString(Convert.FromBase64String(value));
        }
        catch (FormatException)
        {
            throw new MapToolException("table value is not base64");
        }
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
