using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Delivery;
using Mta.Core.Lookup;
using Mta.Services.Clients;
using Mta.Services.Maps;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>
/// Whether an address of our own domains exists: mail for one that does not is refused, not bounced later to somebody innocent.
/// </summary>
internal sealed class UnlistedRecipients
{
    private readonly MailAddressContext addresses;
    private readonly IAddressResolver resolver;
    private readonly ClassTables local;
    private readonly ClassTables virtualAlias;
    private readonly ClassTables virtualMailbox;
    private readonly ClassTables relay;
    private readonly TableList[] recipientMappings;
    private readonly TableList[] senderMappings;

    public UnlistedRecipients(SmtpdConfig config, TableRegistry tables)
    {
        var settings = config.Snapshot.Settings;
        addresses = config.Addresses;
        resolver = config.Resolver;
        RejectRecipients = settings.Get(Parameters.SmtpdRejectUnlistedRecipient) && config.Overrides.ChecksRecipients;
        RejectSenders = settings.Get(Parameters.SmtpdRejectUnlistedSender);
        var canonicalMaps = tables.Open(settings, Parameters.CanonicalMaps);
        var recipientCanonicalMaps = tables.Open(settings, Parameters.RecipientCanonicalMaps);
        var senderCanonicalMaps = tables.Open(settings, Parameters.SenderCanonicalMaps);
        var virtualAliasMaps = tables.Open(settings, Parameters.VirtualAliasMaps);
        var named = settings.Get(Parameters.ShowUserUnknownTableName);
        recipientMappings = Order(recipientCanonicalMaps, canonicalMaps, virtualAliasMaps);
        senderMappings = Order(senderCanonicalMaps, canonicalMaps, virtualAliasMaps);
        ClassTables Class(TableList maps, Parameter<int> code, string table) =>
            new(maps, settings.Get(code), named ? $"User unknown in {table} table" : "User unknown");
        local = Class(tables.Open(settings, Parameters.LocalRecipientMaps), Parameters.UnknownLocalRecipientRejectCode, "local recipient");
        virtualAlias = Class(virtualAliasMaps, Parameters.UnknownVirtualAliasRejectCode, "virtual alias");
        var mailboxMaps = tables.Open(settings, Parameters.VirtualMailboxMaps);
        virtualMailbox = Class(mailboxMaps, Parameters.UnknownVirtualMailboxRejectCode, "virtual mailbox");
        relay = Class(tables.Open(settings, Parameters.RelayRecipientMaps), Parameters.UnknownRelayRecipientRejectCode, "relay recipient");
    }

    /// <summary>smtpd_reject_unlisted_recipient.</summary>
    public bool RejectRecipients { get; }

    /// <summary>smtpd_reject_unlisted_sender.</summary>
    public bool RejectSenders { get; }

    public ValueTask<Verdict> CheckRecipientAsync(CheckContext context, CancellationToken cancellationToken) =>
        recipientMappings.Length == 0 && IsElsewhere(context.Resolution!)
            ? new(Verdict.Dunno)
            : CheckAsync(context, context.Resolution!, context.Recipient!, isSender: false, cancellationToken);

    public async ValueTask<Verdict> CheckSenderAsync(CheckContext context, CancellationToken cancellationToken)
    {
        var sender = context.Sender!;
        if (sender.Length == 0)
        {
            return Verdict.Dunno;
        }

        var complete = resolver.Rewrite(sender, localContext: true);
        var resolution = await resolver.ResolveAsync("", complete, cancellationToken).ConfigureAwait(false);
        return resolution switch
        {
            { Outcome: ResolveOutcome.Failed } => Verdict.Fault(CheckContext.TemporaryLookupFailure(sender)),
            { Outcome: ResolveOutcome.BadAddress } => Verdict.Dunno,
            _ when senderMappings.Length == 0 && IsElsewhere(resolution) => Verdict.Dunno,
            _ => await CheckAsync(context, resolution, sender, isSender: true, cancellationToken).ConfigureAwait(false),
        };
    }

    private async ValueTask<Verdict> CheckAsync(
        CheckContext context, Resolution resolution, string address, bool isSender, CancellationToken cancellationToken)
    {
        // An address that tables map to another one exists, whatever its domain is; and when they fail, nobody knows.
        foreach (var maps in isSender ? senderMappings : recipientMappings)
        {
            if (await IsKnownAsync(context, maps, resolution, address, cancellationToken).ConfigureAwait(false) is { } verdict)
            {
                return verdict;
            }
        }

        if (IsElsewhere(resolution))
        {
            return Verdict.Dunno;
        }

        // A transport that refuses mail is there for every address that no table maps to another one.
        var refusal = IsRefused(resolution) && resolution.Class != AddressClass.VirtualAlias;
        var tables = refusal ? virtualAlias : resolution.Class switch
        {
            AddressClass.Local => local,
            AddressClass.VirtualAlias => virtualAlias,
            AddressClass.VirtualMailbox => virtualMailbox,
            _ => relay,
        };

        // Empty maps mean that every address of the class exists; a virtual alias domain has nothing but its aliases.
        if (tables.Maps.IsEmpty && resolution.Class != AddressClass.VirtualAlias && !refusal)
        {
            return Verdict.Dunno;
        }

        if (tables != virtualAlias && await IsKnownAsync(context, tables.Maps, resolution, address, cancellationToken).ConfigureAwait(false) is { } known)
        {
            return known;
        }

        var (detail, kind) = isSender ? ("1.0", "Sender") : ("1.1", "Recipient");
        if (!refusal)
        {
            return Verdict.Refuse(tables.Code, detail, $"<{address}>: {kind} address rejected: {tables.Text}");
        }

        var (dsn, text) = DsnText.Parse(resolution.Nexthop);
        return Verdict.Refuse(
            resolution.Transport == "error" ? 550 : 450,
            dsn is null ? detail : AddressStatus.Fit(context, dsn, isSender ? "Sender address" : "Recipient address"),
            $"<{address}>: {kind} address rejected: {text}");
    }

    /// <summary>Dunno when the tables have the address, a refusal when they fail; null when they do not have it.</summary>
    private async ValueTask<Verdict?> IsKnownAsync(
        CheckContext context, TableList maps, Resolution resolution, string address, CancellationToken cancellationToken)
    {
        var match = await maps.FindMailAddressAsync(resolution.Recipient, AddressKeyForms.AddressOrPlain, addresses, cancellationToken).ConfigureAwait(false);
        if (match.IsFailed)
        {
            context.Session.Log.LookupFailure(context.Session.Tag, match.Result);
            return Verdict.Fault(CheckContext.TemporaryLookupFailure(address));
        }

        return match.IsFound ? Verdict.Dunno : null;
    }

    /// <summary>Another system's address: nothing here knows it.</summary>
    private static bool IsElsewhere(Resolution resolution) => resolution.Class == AddressClass.Default && !IsRefused(resolution);

    private static bool IsRefused(Resolution resolution) => resolution.Transport is "error" or "retry";

    private static TableList[] Order(params TableList[] lists) => [.. lists.Where(l => !l.IsEmpty).Distinct()];

    /// <param name="Maps">The tables that define the class's addresses.</param>
    private sealed record ClassTables(TableList Maps, int Code, string Text);
}
