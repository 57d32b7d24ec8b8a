using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Clients;
using Mta.Services.Maps;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>check_*_access: the keys of access(5). What the answers mean is in <see cref="AccessActions"/>.</summary>
internal static class AccessTables
{
    private const AddressKeyForms AddressForms = AddressKeyForms.Full | AddressKeyForms.WithoutExtension | AddressKeyForms.Domain;

    public static ValueTask<Verdict> CheckClientAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        var client = context.Session.Client;
        return CheckAsync(
            context,
            argument,
            new ChainedKeys<DomainKeys, NetworkKeys>(DomainKeys(context, client.Name), new NetworkKeys(client.Address)),
            new AccessSubject(client.Tag, "Client host", "check_client_access"),
            cancellationToken);
    }

    public static ValueTask<Verdict> CheckHeloAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        context.Session.Helo is { } helo
            ? CheckAsync(
                context, argument, DomainKeys(context, helo), new AccessSubject(helo, "Helo command", "check_helo_access"), cancellationToken)
            : new(Verdict.Dunno);

    public static ValueTask<Verdict> CheckSenderAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        if (context.Sender is not { } sender)
        {
            return new(Verdict.Dunno);
        }

        var about = new AccessSubject(sender, "Sender address", "check_sender_access");
        return sender.Length == 0
            ? CheckNullSenderAsync(context, argument, about, cancellationToken)
            : CheckAsync(context, argument, MailKeys(context, sender), about, cancellationToken);
    }

    public static ValueTask<Verdict> CheckRecipientAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        if (context.Recipient is not { } recipient)
        {
            return new(Verdict.Dunno);
        }

        var complete = context.Resolution is { Outcome: ResolveOutcome.Ok, Recipient: var resolved } ? resolved : recipient;
        return CheckAsync(
            context,
            argument,
            MailKeys(context, complete),
            new AccessSubject(recipient, "Recipient address", "check_recipient_access"),
            cancellationToken);
    }

    public static ValueTask<Verdict> CheckEtrnAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        context.EtrnDomain is { } domain
            ? CheckAsync(
                context, argument, DomainKeys(context, domain), new AccessSubject(domain, "Etrn command", "check_etrn_access"), cancellationToken)
            : new(Verdict.Dunno);

    private static async ValueTask<Verdict> CheckNullSenderAsync(
        CheckContext context, RestrictionArgument argument, AccessSubject about, CancellationToken cancellationToken)
    {
        var key = context.Settings.Get(Parameters.SmtpdNullAccessLookupKey);
        var found = await argument.Tables.FindAsync(key, cancellationToken).ConfigureAwait(false);
        return await AccessActions.ActAsync(context, argument, found, about with { Key = key }, cancellationToken).ConfigureAwait(false);
    }

    private static async ValueTask<Verdict> CheckAsync<TKeys>(
        CheckContext context, RestrictionArgument argument, TKeys keys, AccessSubject about, CancellationToken cancellationToken)
        where TKeys : struct, ILookupKeys
    {
        var found = await argument.Tables.FindFirstAsync(keys, cancellationToken).ConfigureAwait(false);
        if (found.Outcome == LookupOutcome.NotFound)
        {
            return Verdict.Dunno;
        }

        if (found.IsFound && AccessAction.Parse(found.Value).Problem is not null)
        {
            about = about with { Key = await FindKeyAsync(argument.Tables, keys, cancellationToken).ConfigureAwait(false) };
        }

        return await AccessActions.ActAsync(context, argument, found, about, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The key that the tables have: what was found is asked for again, for a warning only.</summary>
    private static async ValueTask<string?> FindKeyAsync<TKeys>(TableList tables, TKeys keys, CancellationToken cancellationToken)
        where TKeys : struct, ILookupKeys
    {
        while (keys.MoveNext())
        {
            var found = await tables.FindFirstAsync(new OneKey(keys.Key, keys.IsPartial), cancellationToken).ConfigureAwait(false);
            if (found.IsFound)
            {
                return keys.Key;
            }
        }

        return null;
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

    private struct OneKey(string key, bool isPartial) : ILookupKeys
    {
        private bool begun;

        public readonly string Key => key;

        public readonly bool IsPartial => isPartial;

        public bool MoveNext() => !begun && (begun = true);
    }
}
