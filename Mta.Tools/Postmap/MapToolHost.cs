using Mta.Core.Config;
using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Tools.Postmap;

/// <summary>What postmap(1) and its kin need from outside: the configuration, and the database where tables are stored.</summary>
/// <param name="LoadSettings">main.cf of the directory of -c; null, with the reason said, when it cannot be read.</param>
/// <param name="OpenDatabase">Called once, and only when a stored table is touched. Whoever opened it closes it.</param>
internal sealed record MapToolHost(
    Func<string?, CancellationToken, Task<Settings?>> LoadSettings,
    Func<Settings, CancellationToken, Task<DatabasePool>> OpenDatabase)
{
    /// <summary>False when the database would have to be started first, which is not worth it for a file of patterns.</summary>
    public Func<Settings, bool> DatabaseIsRunning { get; init; } = static _ => true;
}
