using Mta.Core.Config;
using Mta.Storage.Connections;
using Mta.Tools.Import;
using Npgsql;

namespace Mta.Tools.Postmap;

/// <summary>postmap(1) and postalias(1) with the configuration and the database of the mail system.</summary>
internal static class MapCommands
{
    private delegate Task<DatabasePool> Open(Settings settings, CancellationToken cancellationToken);

    /// <summary>postmap(1); <c>postmap import</c> and <c>postmap export</c> are ours. A table of such a name is asked for with its type.</summary>
    public static Task<int> PostmapAsync(Terminal terminal, string[] arguments, CancellationToken cancellationToken) => arguments switch
    {
        ["import", .. var rest] => WithDatabaseAsync(
            terminal, migrate: true, open => ImportCommand.RunAsync(terminal, rest, (s, stop) => open(s, stop), cancellationToken)),
        ["export", .. var rest] => WithDatabaseAsync(
            terminal,
            migrate: false,
            open => ExportCommand.RunAsync(
                terminal, rest, (directory, stop) => ToolConfiguration.LoadAsync(terminal, directory, stop), (s, stop) => open(s, stop), cancellationToken)),
        _ => RunAsync(terminal, arguments, aliases: false, cancellationToken),
    };

    public static Task<int> PostaliasAsync(Terminal terminal, string[] arguments, CancellationToken cancellationToken) =>
        RunAsync(terminal, arguments, aliases: true, cancellationToken);

    private static Task<int> RunAsync(Terminal terminal, string[] arguments, bool aliases, CancellationToken cancellationToken) =>
        WithDatabaseAsync(
            terminal,
            migrate: false,
            open => MapTool.RunAsync(
                terminal,
                arguments,
                aliases,
                new MapToolHost((directory, stop) => ToolConfiguration.LoadAsync(terminal, directory, stop), (s, stop) => open(s, stop))
                {
                    DatabaseIsRunning = ToolDatabase.IsRunning,
                },
                cancellationToken));

    /// <summary>The database is opened when it is asked for, and closed at the end.</summary>
    private static async Task<int> WithDatabaseAsync(Terminal terminal, bool migrate, Func<Open, Task<int>> run)
    {
        ToolDatabase? database = null;
        try
        {
            return await run(async (settings, stop) =>
            {
                database = await ToolDatabase.OpenAsync(settings, DatabaseRole.Daemon, terminal.Name, migrate, stop).ConfigureAwait(false);
                return database.Source;
            }).ConfigureAwait(false);
        }
        finally
        {
            if (database is not null)
            {
                await database.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
