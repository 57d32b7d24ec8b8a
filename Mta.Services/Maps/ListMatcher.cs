using System.Net;
using Mta.Core.Lookup;

namespace Mta.Services.Maps;

/// <summary>A list parameter such as mynetworks or relay_domains with its tables opened.</summary>
public sealed class ListMatcher(MatchList list, IReadOnlyList<ILookupTable> tables)
{
    private readonly ILookupTable[] tables = [.. tables];
    private readonly FarTables far = new(tables);

    public bool IsEmpty => list.IsEmpty;

    /// <summary>Tables are asked, so that the answer may be another one the next time.</summary>
    public bool HasTables => tables.Length > 0;

    /// <summary>Found when the list has the host, domain or string.</summary>
    public ValueTask<LookupResult> MatchAsync(string name, CancellationToken cancellationToken) => MatchAsync(name, null, cancellationToken);

    /// <summary>Found when the list has the client's name or address; each element is compared with both before the next one.</summary>
    public ValueTask<LookupResult> MatchAsync(string name, IPAddress? address, CancellationToken cancellationToken)
    {
        var position = 0;
        var step = list.Next(name, address, ref position);
        return step.Kind == MatchStepKind.AskTable
            ? WalkAsync(step, position, name, address, cancellationToken)
            : new(Result(step, name));
    }

    private async ValueTask<LookupResult> WalkAsync(
        MatchStep step, int position, string name, IPAddress? address, CancellationToken cancellationToken)
    {
        while (step.Kind == MatchStepKind.AskTable)
        {
            var found = await AskAsync(step.Table, name, address, cancellationToken).ConfigureAwait(false);
            if (found.IsFailed)
            {
                return found.FailedAt($"{list.Owner}: {tables[step.Table].Reference}: table lookup problem");
            }

            if (found.IsFound)
            {
                return step.Negated ? LookupResult.NotFound : found;
            }

            step = list.Next(name, address, ref position);
        }

        return Result(step, name);
    }

    /// <summary>Asks for the name, its parents where the list has parents, and the address.</summary>
    private async ValueTask<LookupResult> AskAsync(int index, string name, IPAddress? address, CancellationToken cancellationToken)
    {
        var table = tables[index];
        var keys = new MatchKeys(
            name, parents: list.Kind != MatchListKind.Strings, withDots: !list.MatchesSubdomains,
            address is null ? "" : (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString());
        while (keys.MoveNext())
        {
            if (keys.IsPartial && table.MatchesWholeKey)
            {
                continue;
            }

            if (far.Lacks(index, keys.Key))
            {
                await far.FetchAsync(index, keys, cancellationToken).ConfigureAwait(false);
            }

            var result = await table.FindAsync(keys.Key, cancellationToken).ConfigureAwait(false);
            if (result.Outcome != LookupOutcome.NotFound)
            {
                return result;
            }
        }

        return LookupResult.NotFound;
    }

    private LookupResult Result(MatchStep step, string name) => step.Kind switch
    {
        MatchStepKind.Match => LookupResult.Found(name),
        MatchStepKind.Failed => LookupResult.Failed($"{list.Owner}: {step.Text}"),
        _ => LookupResult.NotFound,
    };
}
