using Mta.Core.Commands;
using Mta.Core.Config;
using Mta.Core.Lookup;

namespace Mta.Tools.Postmap;

/// <summary>newaliases(1), also <c>sendmail -I</c> and <c>sendmail -bi</c>: makes the tables of alias_database from their files.</summary>
internal static class Newaliases
{
    /// <param name="directory">The configuration directory; null means the default one.</param>
    public static async Task<int> RunAsync(Terminal terminal, string? directory, MapToolHost host, CancellationToken cancellationToken)
    {
        Settings settings;
        string[] tables;
        try
        {
            settings = await host.LoadSettings(directory, cancellationToken).ConfigureAwait(false);
            tables = [.. TableReference.ParseList(settings.Get(Parameters.AliasDatabase)).Select(r => r.ToString())];
        }
        catch (Exception e) when (e is MapToolException or SettingsException)
        {
            return terminal.Fatal(e.Message);
        }

        if (tables.Length == 0)
        {
            return ExitCode.Ok;
        }

        var loaded = host with { LoadSettings = (_, _) => Task.FromResult(settings) };
        return await MapTool.RunAsync(terminal, ["--", .. tables], aliases: true, loaded, cancellationToken).ConfigureAwait(false);
    }
}
