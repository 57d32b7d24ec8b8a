using Mta.Core.Lookup;
using Mta.Services.Clients;

namespace Mta.Services.Maps.Tables;

/// <summary><c>debug:type:name</c>: another table, with every lookup logged.</summary>
internal sealed class LoggingTable(TableReference reference, ILookupTable table, MailLog log) : IOuterTable
{
    public string Reference { get; } = reference.ToString();

    public bool MatchesWholeKey => table.MatchesWholeKey;

    public IReadOnlyList<ILookupTable> Inner => [table];

    public async ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken)
    {
        var result = await table.FindAsync(key, cancellationToken).ConfigureAwait(false);
        var answer = result.Outcome switch
        {
            LookupOutcome.Found => $"\"{result.Value}\"",
            LookupOutcome.Failed => $"error: {result.Text}",
            _ => "not found",
        };
        log.Info("proxymap", $"{table.Reference} lookup: \"{key}\" -> {answer}");
        return result;
    }
}
