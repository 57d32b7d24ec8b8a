using Mta.Core.Lookup;

namespace Mta.Services.Maps;

/// <summary>The tables of one parameter, for example virtual_alias_maps. Each key is tried in all tables before the next key.</summary>
public sealed class TableList(IReadOnlyList<ILookupTable> tables)
{
    private readonly ILookupTable[] tables = [.. tables];
    private readonly IPrefetchingTable[] prefetching = [.. tables.OfType<IPrefetchingTable>()];

    /// <summary>A list without tables, which answers not found.</summary>
    public static TableList Empty { get; } = new([]);

    public bool IsEmpty => tables.Length == 0;

    /// <summary>The first answer of any table for this one key. Completes at once when the answers are in memory.</summary>
    public ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken) => FindAsync(0, key, isPartial: false, cancellationToken);

    /// <summary>The same for a key that is only a part of what is looked for (a parent domain, a network): tables of patterns are not asked.</summary>
    public ValueTask<LookupResult> FindPartialAsync(string key, CancellationToken cancellationToken) =>
        FindAsync(0, key, isPartial: true, cancellationToken);

    /// <summary>The first answer for the keys that <paramref name="forms"/> names, in the order of the manual pages.</summary>
    /// <param name="address">In internal form; the null address is never found.</param>
    public ValueTask<AddressMatch> FindMailAddressAsync(
        string address, AddressKeyForms forms, MailAddressContext context, CancellationToken cancellationToken)
    {
        if (tables.Length == 0)
        {
            return default;
        }

        var keys = new AddressKeys(address, context.Extensions, forms);
        while (keys.MoveNext())
        {
            if (keys.Kind == AddressKeyKind.Full && Lacks(keys.Key))
            {
                return PrefetchAsync(keys, context, cancellationToken);
            }

            var pending = AskAsync(in keys, context, cancellationToken);
            if (!pending.IsCompletedSuccessfully)
            {
                return FinishAsync(keys, pending, context, cancellationToken);
            }

            if (Decides(pending.Result, ref keys, out var match))
            {
                return new(match);
            }
        }

        return default;
    }

    private static bool Decides(LookupResult result, ref AddressKeys keys, out AddressMatch match)
    {
        if (keys.Kind == AddressKeyKind.AskDomainIsLocal && !result.IsFailed)
        {
            keys.SetDomainIsLocal(result.IsFound);
            match = default;
            return false;
        }

        match = result.Outcome == LookupOutcome.NotFound ? default : new AddressMatch(result, keys.Kind, keys.UnmatchedExtension.ToString());
        return result.Outcome != LookupOutcome.NotFound;
    }

    private ValueTask<LookupResult> AskAsync(in AddressKeys keys, MailAddressContext context, CancellationToken cancellationToken) =>
        keys.Kind == AddressKeyKind.AskDomainIsLocal
            ? context.LocalDomains.MatchAsync(keys.Domain.ToString(), orMyorigin: true, cancellationToken)
            : FindAsync(0, keys.Key, keys.IsPartial, cancellationToken);

    private bool Lacks(string key)
    {
        foreach (var table in prefetching)
        {
            if (table.Lacks(key))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Asks large tables for all keys at once; the walk that follows finds the answers in memory.</summary>
    private async ValueTask<AddressMatch> PrefetchAsync(AddressKeys keys, MailAddressContext context, CancellationToken cancellationToken)
    {
        var all = new List<string> { keys.Key };
        var rest = keys;
        while (rest.MoveNext())
        {
            if (rest.Kind == AddressKeyKind.AskDomainIsLocal)
            {
                rest.SetDomainIsLocal(true);
            }
            else
            {
                all.Add(rest.Key);
            }
        }

        foreach (var table in prefetching)
        {
            if (table.Lacks(keys.Key))
            {
                await table.PrefetchAsync(all, cancellationToken).ConfigureAwait(false);
            }
        }

        return await FinishAsync(keys, AskAsync(in keys, context, cancellationToken), context, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<AddressMatch> FinishAsync(
        AddressKeys keys, ValueTask<LookupResult> pending, MailAddressContext context, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (Decides(await pending.ConfigureAwait(false), ref keys, out var match))
            {
                return match;
            }

            if (!keys.MoveNext())
            {
                return default;
            }

            pending = AskAsync(in keys, context, cancellationToken);
        }
    }

    private ValueTask<LookupResult> FindAsync(int first, string key, bool isPartial, CancellationToken cancellationToken)
    {
        for (var i = first; i < tables.Length; i++)
        {
            var table = tables[i];
            if (isPartial && table.MatchesWholeKey)
            {
                continue;
            }

            var pending = table.FindAsync(key, cancellationToken);
            if (!pending.IsCompletedSuccessfully)
            {
                return FinishAsync(pending, i, key, isPartial, cancellationToken);
            }

            var result = pending.Result;
            if (result.Outcome != LookupOutcome.NotFound)
            {
                return new(Checked(result, table, key));
            }
        }

        return default;
    }

    private async ValueTask<LookupResult> FinishAsync(
        ValueTask<LookupResult> pending, int index, string key, bool isPartial, CancellationToken cancellationToken)
    {
        var result = await pending.ConfigureAwait(false);
        return result.Outcome != LookupOutcome.NotFound
            ? Checked(result, tables[index], key)
            : await FindAsync(index + 1, key, isPartial, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>An empty value is an error of the table, as in Postfix: it must not pass for "not found" nor for an address.</summary>
    private static LookupResult Checked(LookupResult result, ILookupTable table, string key) =>
        result.IsFound && string.IsNullOrEmpty(result.Value)
            ? LookupResult.Failed($"{table.Reference} lookup of {key} returns an empty string result")
            : result;
}
