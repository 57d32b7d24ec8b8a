using Mta.Storage.Maps;

namespace Mta.Services.Maps.Stored;

/// <summary>A table of the database that the <see cref="TableWatcher"/> tells of changes.</summary>
internal interface IWatchedTable
{
    /// <summary>The reference as configured, for messages.</summary>
    string Reference { get; }

    /// <summary>The name in the database.</summary>
    string Name { get; }

    /// <summary>Reads the table unless it is in memory. Throws <see cref="Mta.Storage.StorageException"/>.</summary>
    Task ReadAsync(CancellationToken cancellationToken);

    /// <summary>Takes what the database has now: null when there is no such table.</summary>
    ValueTask RefreshAsync(StoredTableVersion? found, CancellationToken cancellationToken);
}
