using Mta.Core.Lookup;

namespace Mta.Services.Maps;

/// <summary>The tables of one parameter, for example virtual_alias_maps. Each key is tried in all tables before the next key.</summary>
public sealed class TableList(IReadOnlyList<ILookupTable> tables)
{
    private readonly ILookupTable[] tables = [.. tables];
    private readonly FarTables far = new(tables);

    /// <summary>A list without tables, which answers not found.</summary>
    public static TableList Empty { get; } = new([]);

    /// <summary>The parameter's name, for the log; empty for a table that no parameter names by itself.</summary>
    public string Name { get; init; } = "";

    public bool IsEmpty => tables.Length == 0;

    /// <summary>The first answer of any table for this one key. Completes at once when the answers are in memory.</summary>
    public ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken) => FindAsync(0, key, isPartial: false, cancellationToken);

    /// <summary>The first answer for the keys of a search. Completes at once when the answers are in memory.</summary>
    public ValueTask<LookupResult> FindFirstAsync<TKeys>(TKeys keys, CancellationToken cancellationToken)
        where TKeys : struct, ILookupKeys
    {
        while (tables.Length > 0 && keys.MoveNext())
        {
            var pending = AskAsync(in keys, cancellationToken);
            if (!pending.IsCompletedSuccessfully)
            {
                return FinishAsync(keys, pending, cancellationToken);
            }

            var result = pending.Result;
            if (result.Outcome != LookupOutcome.NotFound)
            {
                return new(result);
            }
        }

        return default;
    }

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
            : AskAsync(in keys, cancellationToken);

    private ValueTask<LookupResult> AskAsync<TKeys>(in TKeys keys, CancellationToken cancellationToken)
        where TKeys : struct, ILookupKeys =>
        far.Lack(keys.Key) ? FetchAsync(keys, cancellationToken) : FindAsync(0, keys.Key, keys.IsPartial, cancellationToken);

    /// <summary>Asks for the current key. Where a table of the database has to be asked, it and those after it are asked for all further keys, too.</summary>
    private async ValueTask<LookupResult> FetchAsync<TKeys>(TKeys keys, CancellationToken cancellationToken)
        where TKeys : struct, ILookupKeys
    {
        var (key, isPartial) = (keys.Key, keys.IsPartial);
        var fetched = false;
        for (var i = 0; i < tables.Length; i++)
        {
            if (isPartial && tables[i].MatchesWholeKey)
            {
                continue;
            }

            if (!fetched && far.Lacks(i, key))
            {
                await far.FetchAsync(i, keys, cancellationToken).ConfigureAwait(false);
                fetched = true;
            }

            var result = await tables[i].FindAsync(key, cancellationToken).ConfigureAwait(false);
            if (result.Outcome != LookupOutcome.NotFound)
            {
                return Checked(result, tables[i], key);
            }
        }

        return default;
    }

    private async ValueTask<LookupResult> FinishAsync<TKeys>(TKeys keys, ValueTask<LookupResult> pending, CancellationToken cancellationToken)
        where TKeys : struct, ILookupKeys
    {
        var result = await pending.ConfigureAwait(false);
        while (result.Outcome == LookupOutcome.NotFound && keys.MoveNext())
        {
            result = await AskAsync(in keys, cancellationToken).ConfigureAwait(false);
        }

        return result;
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

    /// <summary>A failure in Postfix's words. An empty value is an error of the table too: it must pass neither for "not found" nor for an address.</summary>
    private LookupResult Checked(LookupResult result, ILookupTable table, string key)
    {
        if (result.IsFailed)
        {
            return result.FailedAt($"{table.Reference} lookup error for \"{key}\"");
        }

        if (!string.IsNullOrEmpty(result.Value))
        {
            return result;
        }

        var name = Name.Length > 0 ? Name : table.Reference;
        return LookupResult.Failed($"{name} lookup of {key} returns an empty string result\n{name} should return NO RESULT in case of NOT FOUND");
    }
}
