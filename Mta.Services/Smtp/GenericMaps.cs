using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Clients;
using Mta.Services.Maps;

namespace Mta.Services.Smtp;

/// <summary>smtp_generic_maps or lmtp_generic_maps, generic(5): an address that means something here becomes one that the world knows.</summary>
internal sealed class GenericMaps(
    Parameter<string> parameter, TableList maps, bool propagateExtension, MailAddressContext context, IAddressResolver resolver, MailLog log)
{
    /// <summary>One lookup of an address; a failure is warned of.</summary>
    public async ValueTask<MappedAddress> FindAsync(string tag, string address, CancellationToken cancellationToken)
    {
        var match = await maps.FindMailAddressAsync(address, AddressKeyForms.Address, context, cancellationToken).ConfigureAwait(false);
        if (match.IsFailed)
        {
            log.LookupFailure(tag, match.Result);
            log.Warning(tag, $"{parameter.Name} map lookup problem for {AddressQuoting.ToExternal(address)}");
            return new MappedAddress(null, IsFailed: true);
        }

        if (!match.IsFound)
        {
            return new MappedAddress(null);
        }

        var results = MappedAddresses.Read(address, match, propagateExtension, resolver);
        if (results.Count == 0)
        {
            MappedAddresses.WarnOfNonAddress(log, tag, parameter.Name, address, match);
            log.Warning(tag, $"{parameter.Name} map lookup problem for {AddressQuoting.ToExternal(address)}");
            return new MappedAddress(null, IsFailed: true);
        }

        if (results.Count > 1)
        {
            log.Warning(tag, $"multi-valued {parameter.Name} result for {address}");
        }

        return new MappedAddress(results[0]);
    }

    /// <summary>The addresses that go into MAIL and RCPT; null when a table cannot answer.</summary>
    public async ValueTask<MappedEnvelope?> MapAsync(DeliveryRequest request, CancellationToken cancellationToken)
    {
        if (await MapAsync(request.LogTag, request.Envelope.Sender, cancellationToken).ConfigureAwait(false) is not { } sender)
        {
            return null;
        }

        var recipients = new string[request.Recipients.Count];
        for (var i = 0; i < recipients.Length; i++)
        {
            if (await MapAsync(request.LogTag, request.Recipients[i].Address, cancellationToken).ConfigureAwait(false) is not { } mapped)
            {
                return null;
            }

            recipients[i] = mapped;
        }

        return new MappedEnvelope(sender, recipients);
    }

    private async ValueTask<string?> MapAsync(string tag, string address, CancellationToken cancellationToken)
    {
        var found = await FindAsync(tag, address, cancellationToken).ConfigureAwait(false);
        return found.IsFailed ? null : found.Address ?? address;
    }
}

/// <summary>The envelope as the server is told of it. In the log and in reports addresses stay as they are in the queue.</summary>
internal sealed record MappedEnvelope(string Sender, string[] Recipients);
