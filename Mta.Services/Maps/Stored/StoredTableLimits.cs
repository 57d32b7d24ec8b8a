namespace Mta.Services.Maps.Stored;

/// <summary>How much of a stored table a node keeps in memory.</summary>
internal sealed record StoredTableLimits
{
    /// <summary>Up to so many entries a table is small: it is kept whole, and read again at once when it changed.</summary>
    public int SmallEntries { get; init; } = 5000;

    /// <summary>
    /// Up to so many bytes a large table is kept whole, too, while it does not change. A round trip for each key costs more than everything
    /// else that a message does: with 100,000 virtual aliases and as many transports a node relayed a third less.
    /// </summary>
    public int WholeBytes { get; init; } = 24 * 1024 * 1024;

    /// <summary>Rows that are read at most to find out whether a table is kept whole.</summary>
    public int WholeEntries { get; init; } = 500_000;

    /// <summary>Answers kept for each table that is not whole.</summary>
    public int KeptAnswers { get; init; } = 20_000;

    /// <summary>A large table that changed is asked by key until it has not changed for so long: then reading it whole pays.</summary>
    public TimeSpan Quiet { get; init; } = TimeSpan.FromSeconds(10);
}
