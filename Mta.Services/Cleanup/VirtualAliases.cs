using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Clients;
using Mta.Services.Maps;

namespace Mta.Services.Cleanup;

/// <summary>virtual(5): replaces a recipient by the addresses of its alias, and those by theirs, until nothing changes.</summary>
internal sealed class VirtualAliases(
    Settings settings, IAddressResolver resolver, TableList maps, MailAddressContext context, MailLog log)
{
    private static readonly CleanupResult ExpansionError = new(CleanupOutcome.WriteError, "Alias expansion error", "4.6.0");

    private readonly int recursionLimit = settings.Get(Parameters.VirtualAliasRecursionLimit);
    private readonly int expansionLimit = settings.Get(Parameters.VirtualAliasExpansionLimit);
    private readonly int lengthLimit = settings.Get(Parameters.VirtualAliasAddressLengthLimit);
    private readonly bool propagateExtension = MappedAddresses.Propagates(settings, "virtual");

    public bool IsOff => maps.IsEmpty;

    /// <summary>The addresses that <paramref name="address"/> stands for; null when it is no alias. Or the refusal that a failing table or a loop asks for.</summary>
    public async ValueTask<(List<string>? Addresses, CleanupResult? Refusal)> ExpandAsync(
        string idText, string address, CancellationToken cancellationToken)
    {
        List<string>? expanded = null;
        HashSet<string>? done = null;
        for (var i = 0; i < (expanded?.Count ?? 1); i++)
        {
            if (expanded?.Count > expansionLimit)
            {
                return Unreasonable(idText, "map expansion size", address);
            }

            for (var depth = 0; ; depth++)
            {
                var key = expanded is null ? address : expanded[i];
                if (done is not null && done.Contains(key))
                {
                    break;
                }

                if (depth >= recursionLimit)
                {
                    return Unreasonable(idText, "map nesting", address);
                }

                var match = await maps.FindMailAddressAsync(key, AddressKeyForms.Address, context, cancellationToken).ConfigureAwait(false);
                if (match.IsFailed)
                {
                    log.LookupFailure(CleanupService.Tag, match.Result);
                    return Problem(idText, key);
                }

                if (!match.IsFound)
                {
                    break;
                }

                expanded ??= [address];
                var results = MappedAddresses.Read(key, match, propagateExtension, resolver);
                if (results.Count == 0)
                {
                    MappedAddresses.WarnOfNonAddress(log, CleanupService.Tag, Parameters.VirtualAliasMaps.Name, key, match);
                    return Problem(idText, key);
                }

                for (var r = 0; r < results.Count; r++)
                {
                    if (results[r].Length > lengthLimit)
                    {
                        log.Warning(
                            CleanupService.Tag,
                            $"{idText}: unreasonable {Parameters.VirtualAliasMaps.Name} result {results[r].AsSpan(0, Math.Min(results[r].Length, 300))}... -- message not accepted, try again later");
                        return (null, ExpansionError);
                    }

                    if (r == 0)
                    {
                        expanded[i] = results[r];
                    }
                    else
                    {
                        expanded.Add(results[r]);
                    }

                    // An address may expand into itself, once.
                    if (results[r].Equals(key, StringComparison.OrdinalIgnoreCase))
                    {
                        (done ??= new HashSet<string>(StringComparer.OrdinalIgnoreCase)).Add(key);
                    }
                }
            }
        }

        return (expanded, null);
    }

    private (List<string>?, CleanupResult?) Problem(string idText, string address)
    {
        log.Warning(CleanupService.Tag, $"{idText}: {Parameters.VirtualAliasMaps.Name} map lookup problem for {AddressQuoting.ToExternal(address)} -- message not accepted, try again later");
        return (null, new CleanupResult(CleanupOutcome.WriteError));
    }

    private (List<string>?, CleanupResult?) Unreasonable(string idText, string what, string address)
    {
        log.Warning(
            CleanupService.Tag,
            $"{idText}: unreasonable {Parameters.VirtualAliasMaps.Name} {what} for {address} -- message not accepted, try again later");
        return (null, ExpansionError);
    }
}
