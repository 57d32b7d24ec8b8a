using System.Text;
using Mta.Core.Commands;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Storage;
using Mta.Storage.Connections;
using Mta.Storage.Maps;
using Npgsql;

namespace Mta.Tools.Postmap;

/// <summary>
/// postmap(1) and postalias(1): make lookup tables in the database from source files, query, list and change them. A table is named by the
/// full path of its source file. Other types of tables can be queried, and listed where their entries are known.
/// </summary>
internal sealed partial class MapTool
{
    private readonly Terminal terminal;
    private readonly MapToolOptions options;
    private readonly MapToolHost host;
    private readonly Settings settings;
    private DatabasePool? source;

    private MapTool(Terminal terminal, MapToolOptions options, MapToolHost host, Settings settings)
    {
        this.terminal = terminal;
        this.options = options;
        this.host = host;
        this.settings = settings;
    }

    private LookupKind Kind => options.Aliases ? LookupKind.Aliases : LookupKind.Map;

    public static async Task<int> RunAsync(Terminal terminal, string[] arguments, bool aliases, MapToolHost host, CancellationToken cancellationToken)
    {
        if (arguments is ["--help"])
        {
            terminal.Out.Write(MapToolOptions.Help(aliases));
            return ExitCode.Ok;
        }

        if (MapToolOptions.Read(terminal, arguments, aliases) is not { } options)
        {
            return ExitCode.Failure;
        }

        Settings? settings = null;
        try
        {
            settings = await host.LoadSettings(options.Directory, cancellationToken).ConfigureAwait(false);
            return settings is null
                ? ExitCode.Failure
                : await new MapTool(terminal, options, host, settings).ActAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e) when (settings is not null)
        {
            return terminal.Fatal(ToolDatabase.Explain(settings, e));
        }
        catch (Exception e) when (e is MapToolException or StorageException or SettingsException)
        {
            return terminal.Fatal(e.Message);
        }
    }

    private async Task<int> ActAsync(CancellationToken cancellationToken)
    {
        switch (options.Action)
        {
            case MapAction.Query when options.HeaderKeys || options.BodyKeys:
                return await QueryMessageAsync(cancellationToken).ConfigureAwait(false) ? ExitCode.Ok : ExitCode.Failure;
            case MapAction.Query when options.Key == "-":
                return await QueryAllAsync(cancellationToken).ConfigureAwait(false) ? ExitCode.Ok : ExitCode.Failure;
            case MapAction.Query:
                return await QueryOneAsync(cancellationToken).ConfigureAwait(false) ? ExitCode.Ok : ExitCode.Failure;
            case MapAction.Delete:
                return await DeleteAsync(cancellationToken).ConfigureAwait(false) ? ExitCode.Ok : ExitCode.Failure;
            case MapAction.List:
                // The first table only, as Postfix does.
                await ListAsync(options.Tables[0], cancellationToken).ConfigureAwait(false);
                return ExitCode.Ok;
            default:
                foreach (var table in options.Tables)
                {
                    await WriteAsync(table, cancellationToken).ConfigureAwait(false);
                }

                return ExitCode.Ok;
        }
    }

    /// <summary>The table an operand names; a stored one by the full path of its file.</summary>
    private TableReference Reference(string operand)
    {
        var reference = TableReference.Parse(operand);
        if (reference.Type.Length == 0)
        {
            if (operand.StartsWith(':'))
            {
                throw new MapToolException(options.Action is MapAction.Build or MapAction.Add
                    ? "unsupported dictionary type: "
                    : $"open dictionary: expecting \"type:name\" form instead of \"{operand}\"");
            }

            reference = new TableReference(settings.Get(Parameters.DefaultDatabaseType), reference.Name);
        }

        return reference.HasSourceFile && reference.Name.Length > 0 ? reference with { Name = Path.GetFullPath(reference.Name) } : reference;
    }

    private async Task<DatabasePool> SourceAsync(CancellationToken cancellationToken)
    {
        if (source is null)
        {
            source = await host.OpenDatabase(settings, cancellationToken).ConfigureAwait(false);
            if (options.Verbosity > 0)
            {
                var to = new NpgsqlConnectionStringBuilder(source.ConnectionString);
                Explain($"database {to.Database} at {to.Host}");
            }
        }

        return source;
    }

    /// <summary>What -v shows.</summary>
    private void Explain(string text, int verbosity = 1)
    {
        if (options.Verbosity >= verbosity)
        {
            terminal.Info(text);
        }
    }

    private async Task<List<string>> KeysAsync(CancellationToken cancellationToken)
    {
        var keys = new List<string>();
        using var reader = new StreamReader(terminal.Input, Encoding.UTF8, leaveOpen: true);
        while (await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            keys.Add(line);
        }

        return keys;
    }

    /// <summary>A character that a decoder puts where bytes were no UTF-8, as Postfix shows those.</summary>
    private static string Shown(string text) => text.Replace('\ufffd', '?');
}
