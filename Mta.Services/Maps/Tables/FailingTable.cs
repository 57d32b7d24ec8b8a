using Mta.Core.Lookup;

namespace Mta.Services.Maps.Tables;

/// <summary>A table that cannot be opened, and <c>fail:</c>: every lookup fails with the reason, so that mail is deferred and never refused.</summary>
internal sealed class FailingTable(string reference, string reason) : ILookupTable
{
    private readonly LookupResult failure = LookupResult.Failed($"{reference} is unavailable. {reason}") with { IsReported = true };

    public string Reference => reference;

    /// <summary>The reason of every failure.</summary>
    public string Reason => reason;

    public bool MatchesWholeKey => false;

    public ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken) => new(failure);
}
