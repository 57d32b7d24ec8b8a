using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Clients;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>check_*_access: the keys of access(5). What the answers mean is in <see cref="AccessActions"/>.</summary>
internal static class AccessTables
{
    private const AddressKeyForms AddressForms = AddressKeyForms.Full | AddressKeyForms.WithoutExtension | AddressKeyForms.Domain;

    public static async ValueTask<Verdict> CheckClientAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        var client = context.Session.Client;
        var names = DomainKeys(context, client.Name);
        var keys = new ChainedKeys<DomainKeys, NetworkKeys>(names, new NetworkKeys(client.Address));
        var found = await argument.Tables.FindFirstAsync(keys, cancellationToken).ConfigureAwait(false);
        var about = new AccessSubject(client.Tag, "Client host", "check_client_access") { Key = client.Name };
        if (found.IsFound && AccessAction.Parse(found.Value).Problem is not null
            && !(await argument.Tables.FindFirstAsync(names, cancellationToken).ConfigureAwait(false)).IsFound)
        {
            about = about with { Key = client.Address };
        }

        return await AccessActions.ActAsync(context, argument, found, about, cancellationToken).ConfigureAwait(false);
    }

    public static ValueTask<Verdict> CheckHeloAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        context.Session.Helo is { } helo
            ? CheckAsync(
                context, argument, DomainKeys(context, helo), new AccessSubject(helo, "Helo command", "check_helo_access"), cancellationToken)
            : new(Verdict.Dunno);

    public static async ValueTask<Verdict> CheckSenderAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        if (context.Sender is not { } sender)
        {
            return Verdict.Dunno;
        }

        var about = new AccessSubject(sender, "Sender address", "check_sender_access");
        if (sender.Length == 0)
        {
            var key = context.Settings.Get(Parameters.SmtpdNullAccessLookupKey);
            var found = await argument.Tables.FindAsync(key, cancellationToken).ConfigureAwait(false);
            return await AccessActions.ActAsync(context, argument, found, about with { Key = key }, cancellationToken).ConfigureAwait(false);
        }

        var resolution = await context.ResolveAsync(sender, cancellationToken).ConfigureAwait(false);
        return await CheckMailAsync(context, argument, resolution, sender, about, cancellationToken).ConfigureAwait(false);
    }

    public static ValueTask<Verdict> CheckRecipientAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        context.Recipient is { } recipient
            ? CheckMailAsync(
                context,
                argument,
                context.Resolution,
                recipient,
                new AccessSubject(recipient, "Recipient address", "check_recipient_access"),
                cancellationToken)
            : new(Verdict.Dunno);

    public static ValueTask<Verdict> CheckEtrnAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        context.EtrnDomain is { } domain
            ? CheckAsync(
                context, argument, DomainKeys(context, domain), new AccessSubject(domain, "Etrn command", "check_etrn_access"), cancellationToken)
            : new(Verdict.Dunno);

    // Tables have complete addresses.
    private static ValueTask<Verdict> CheckMailAsync(
        CheckContext context, RestrictionArgument argument, Resolution? resolution, string address, AccessSubject about, CancellationToken cancellationToken)
    {
        if (resolution is { Outcome: ResolveOutcome.Failed })
        {
            return new(Verdict.Fault(CheckContext.TemporaryLookupFailure(address)));
        }

        var complete = resolution is { Outcome: ResolveOutcome.Ok, Recipient: var resolved } ? resolved : address;
        return CheckAsync(
            context, argument, MailKeys(context, complete), about with { Key = complete }, cancellationToken);
    }

    private static async ValueTask<Verdict> CheckAsync<TKeys>(
        CheckContext context, RestrictionArgument argument, TKeys keys, AccessSubject about, CancellationToken cancellationToken)
        where TKeys : struct, ILookupKeys
    {
        var found = await argument.Tables.FindFirstAsync(keys, cancellationToken).ConfigureAwait(false);
        return found.Outcome == LookupOutcome.NotFound
            ? Verdict.Dunno
            : await AccessActions.ActAsync(context, argument, found, about, cancellationToken).ConfigureAwait(false);
    }

    // user+ext@ and user@ come after the domain.
    private static ChainedKeys<AddressKeys, LocalPartKeys> MailKeys(CheckContext context, string address)
    {
        var parents = context.Config.AccessMatchesSubdomains ? AddressKeyForms.ParentDomains : AddressKeyForms.DotParentDomains;
        var extensions = context.Config.Addresses.Extensions;
        return new(new AddressKeys(address, extensions, AddressForms | parents), new LocalPartKeys(address, extensions));
    }

    // smtpd_access_maps may want parents with a dot.
    private static DomainKeys DomainKeys(CheckContext context, string name) => new(name, withDots: !context.Config.AccessMatchesSubdomains);
}
