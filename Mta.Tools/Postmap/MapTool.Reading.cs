using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Mta.Core.Addresses;
using Mta.Core.Lookup;
using Mta.Services.Clients;
using Mta.Services.Maps;
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
        var tables = new List<Find>();
        foreach (var table in options.Tables)
        {
            tables.Add(await OpenAsync(Reference(table), cancellationToken).ConfigureAwait(false));
        }

        var found = false;
        using var reader = new StreamReader(terminal.Input, Encoding.UTF8, leaveOpen: true);
        while (await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } key)
        {
            foreach (var find in tables)
            {
                if (key.Length > 0 && await find(key, cancellationToken).ConfigureAwait(false) is { } value)
                {
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
        if (registry.Open(reference.ToString()) is not IListedTable table)
        {
            throw new MapToolException($"table {reference}: sequence operation is not supported");
        }

        foreach (var (key, value) in table.Entries)
        {
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
        return async (key, stop) =>
        {
            var result = await ContentTables.FindAsync(table, takesBytes, key, stop).ConfigureAwait(false);
            return result.IsFailed ? throw new MapToolException(result.Text) : result.IsFound ? result.Value : null;
        };
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
