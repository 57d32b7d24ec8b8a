using Mta.Core.Lookup;
using Mta.Services.Clients;
using Mta.Services.Maps;

namespace Mta.Services.Cleanup;

/// <summary>One canonical(5) parameter: replaces an address by another one, and that by its own, until nothing changes.</summary>
internal sealed class CanonicalMap(
    string name, AddressRole roles, TableList maps, bool propagateExtension, IAddressResolver resolver, MailAddressContext context, MailLog log)
{
    /// <summary>How often an address is replaced; Postfix keeps what the last one gave.</summary>
    private const int MostReplacements = 10;

    private const string NullAddressKey = "\"\"";

    /// <summary>The roles whose addresses it is asked for.</summary>
    public AddressRole Roles { get; } = maps.IsEmpty ? AddressRole.None : roles;

    /// <summary>What the address becomes; null, after a warning, when a table cannot answer. Completes at once when the answers are in memory.</summary>
    public async ValueTask<string?> MapAsync(string idText, string address, CancellationToken cancellationToken)
    {
        for (var count = 0; count < MostReplacements; count++)
        {
            var match = address.Length == 0
                ? new AddressMatch(await maps.FindAsync(NullAddressKey, cancellationToken).ConfigureAwait(false), AddressKeyKind.Full, "")
                : await maps.FindMailAddressAsync(address, AddressKeyForms.Address, context, cancellationToken).ConfigureAwait(false);
            if (match.IsFailed)
            {
                log.LookupFailure(CleanupService.Tag, match.Result);
                return Problem(idText, address);
            }

            if (!match.IsFound)
            {
                return address;
            }

            var results = MappedAddresses.Read(address, match, propagateExtension, resolver);
            if (results.Count == 0)
            {
                MappedAddresses.WarnOfNonAddress(log, CleanupService.Tag, name, address, match);
                return Problem(idText, address);
            }

            if (results.Count > 1)
            {
                log.Warning(CleanupService.Tag, $"{idText}: multi-valued {name} entry for {MappedAddresses.External(address)}");
            }

            var ends = results[0].Equals(address, StringComparison.OrdinalIgnoreCase);
            address = results[0];
            if (ends)
            {
                return address;
            }
        }

        log.Warning(
            CleanupService.Tag,
            $"{idText}: unreasonable {name} map nesting for {MappedAddresses.External(address)} -- message not accepted, try again later");
        return address;
    }

    private string? Problem(string idText, string address)
    {
        log.Warning(CleanupService.Tag, $"{idText}: {name} map lookup problem for {MappedAddresses.External(address)} -- message not accepted, try again later");
        return null;
    }
}
