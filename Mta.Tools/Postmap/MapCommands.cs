using Mta.Storage.Connections;

namespace Mta.Tools.Postmap;

/// <summary>postmap(1) and postalias(1) with the configuration and the database of the mail system.</summary>
internal static class MapCommands
{
    public static Task<int> PostmapAsync(Terminal terminal, string[] arguments, CancellationToken cancellationToken) =>
        RunAsync(terminal, arguments, aliases: false, cancellationToken);

    public static Task<int> PostaliasAsync(Terminal terminal, string[] arguments, CancellationToken cancellationToken) =>
        RunAsync(terminal, arguments, aliases: true, cancellationToken);

    private static async Task<int> RunAsync(Terminal terminal, string[] arguments, bool aliases, CancellationToken cancellationToken)
    {
        ToolDatabase? database = null;
        try
        {
            var host = new MapToolHost(
                (directory, stop) => ToolConfiguration.LoadAsync(terminal, directory, stop),
                async (settings, stop) =>
                {
                    database = await ToolDatabase.OpenAsync(settings, DatabaseRole.Daemon, terminal.Name, stop).ConfigureAwait(false);
                    return database.Source;
                });
            return await MapTool.RunAsync(terminal, arguments, aliases, host, cancellationToken).ConfigureAwait(false);
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
