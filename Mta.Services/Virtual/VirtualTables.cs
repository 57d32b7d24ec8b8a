using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Maps;

namespace Mta.Services.Virtual;

/// <summary>The tables of one configuration, opened once.</summary>
internal sealed class VirtualTables
{
    private const AddressKeyForms Forms = AddressKeyForms.Full | AddressKeyForms.WithoutExtension | AddressKeyForms.AtDomain | AddressKeyForms.PlainToo;

    private readonly TableList mailboxes;
    private readonly TableList uids;
    private readonly TableList gids;
    private readonly MailAddressContext context;

    public VirtualTables(Settings settings, TableRegistry registry)
    {
        Settings = settings;
        mailboxes = registry.Open(settings, Parameters.VirtualMailboxMaps, TableTrust.Secure);
        uids = registry.Open(settings, Parameters.VirtualUidMaps, TableTrust.Secure);
        gids = registry.Open(settings, Parameters.VirtualGidMaps, TableTrust.Secure);
        var local = registry.OpenList(settings, Parameters.Mydestination, MatchListKind.Strings);
        context = new MailAddressContext(ExtensionRules.From(settings), new LocalDomains(local, settings.Get(Parameters.Myorigin), []));
    }

    public Settings Settings { get; }

    public ValueTask<AddressMatch> MailboxAsync(string address, CancellationToken cancellationToken) =>
        mailboxes.FindMailAddressAsync(address, Forms, context, cancellationToken);

    public ValueTask<AddressMatch> UidAsync(string address, CancellationToken cancellationToken) =>
        uids.FindMailAddressAsync(address, Forms, context, cancellationToken);

    public ValueTask<AddressMatch> GidAsync(string address, CancellationToken cancellationToken) =>
        gids.FindMailAddressAsync(address, Forms, context, cancellationToken);
}
