using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Maps;

namespace Mta.Services.Cleanup;

/// <summary>
/// What makes one address of another, in the order of ADDRESS_REWRITING_README: the canonical map of senders or recipients, the canonical
/// map of both, masquerading.
/// </summary>
internal sealed class AddressMappings
{
    private const AddressRole Senders = AddressRole.EnvelopeSender | AddressRole.HeaderSender;
    private const AddressRole Recipients = AddressRole.EnvelopeRecipient | AddressRole.HeaderRecipient;

    private readonly CanonicalMap senderMap;
    private readonly CanonicalMap recipientMap;
    private readonly CanonicalMap commonMap;
    private readonly Masquerade masquerade;
    private readonly AddressRole roles;

    public AddressMappings(Settings settings, IAddressResolver resolver, TableRegistry tables, MailAddressContext context, MailLog log)
    {
        var propagates = MappedAddresses.Propagates(settings, "canonical");
        CanonicalMap Open(Parameter<string> maps, AddressRole classes) =>
            new(maps.Name, classes, tables.Open(settings, maps), propagates, resolver, context, log);
        senderMap = Open(Parameters.SenderCanonicalMaps, Senders & AddressRoles.Read(settings, Parameters.SenderCanonicalClasses));
        recipientMap = Open(Parameters.RecipientCanonicalMaps, Recipients & AddressRoles.Read(settings, Parameters.RecipientCanonicalClasses));
        commonMap = Open(Parameters.CanonicalMaps, AddressRoles.Read(settings, Parameters.CanonicalClasses));
        masquerade = new Masquerade(settings, tables, log);
        roles = senderMap.Roles | recipientMap.Roles | commonMap.Roles | masquerade.Roles;
    }

    /// <summary>True when addresses of one of these roles may change.</summary>
    public bool Has(AddressRole any) => (roles & any) != 0;

    /// <summary>What a complete address becomes; null, after a warning, when a table cannot answer.</summary>
    public async ValueTask<string?> MapAsync(string idText, string address, AddressRole role, CancellationToken cancellationToken)
    {
        // The null sender is looked up too, as an empty quoted string; an empty address in a header is none.
        if (address.Length == 0 && role != AddressRole.EnvelopeSender)
        {
            return address;
        }

        string? mapped = address;
        var own = (role & Senders) != 0 ? senderMap : recipientMap;
        if ((own.Roles & role) != 0)
        {
            mapped = await own.MapAsync(idText, mapped, cancellationToken).ConfigureAwait(false);
        }

        if (mapped is not null && (commonMap.Roles & role) != 0)
        {
            mapped = await commonMap.MapAsync(idText, mapped, cancellationToken).ConfigureAwait(false);
        }

        return mapped is not null && (masquerade.Roles & role) != 0
            ? await masquerade.ApplyAsync(idText, mapped, cancellationToken).ConfigureAwait(false)
            : mapped;
    }
}
