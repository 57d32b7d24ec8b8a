using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Clients;
using Mta.Services.Maps;
using Mta.Services.Net;

namespace Mta.Services.TrivialRewrite;

/// <summary>
/// trivial-rewrite(8): makes addresses complete, and resolves them to a transport and a next hop.
/// <para>
/// Resolving takes local domains off the address and follows the routing operators that come to light (<c>@ ! %</c>), finds the class of
/// the domain (local, virtual alias, virtual mailbox, relay, default) and with it transport and next hop, lets transport_maps override
/// them, and at last asks relocated_maps. A table that cannot answer defers. Nothing here is cached: a change in a table counts at once.
/// </para>
/// <para>Warned: a domain in two classes; bad results of tables. Not here yet: the address_verify_* copies of the routing parameters.</para>
/// </summary>
public sealed class AddressResolver : IAddressResolver
{
    internal const string Tag = "trivial-rewrite";
    private const string Dunno = "DUNNO";
    private const string ErrorTransport = "error";
    private const string Undeliverable = "Address is undeliverable";

    private readonly MailLog log;
    private readonly AddressRewriter rewriter;
    private readonly DomainClasses classes;
    private readonly MailAddressContext context;
    private readonly bool nullDomainIsLocal;
    private readonly bool numericDomainIsLiteral;
    private readonly bool relocatedPrefix;
    private readonly bool allowsMinus;
    private readonly string operators;
    private readonly bool operatorsWithinQuotes;
    private readonly string myhostname;
    private readonly string emptyRecipient;
    private readonly string virtualAliasUnknown;
    private readonly string relayhost;
    private readonly string nullSenderRelayhostKey;
    private readonly string nullSenderTransportKey;
    private readonly TransportNexthop localTransport;
    private readonly TransportNexthop virtualTransport;
    private readonly TransportNexthop relayTransport;
    private readonly TransportNexthop defaultTransport;
    private readonly TableList transportMaps;
    private readonly TableList relocatedMaps;
    private readonly TableList senderRelayhostMaps;
    private readonly TableList senderTransportMaps;

    public AddressResolver(Settings settings, TableRegistry tables, MailLog log)
    {
        this.log = log;
        rewriter = new AddressRewriter(settings);
        classes = new DomainClasses(
            log,
            tables.OpenList(settings, Parameters.VirtualAliasDomains, MatchListKind.Strings),
            tables.OpenList(settings, Parameters.VirtualMailboxDomains, MatchListKind.Strings),
            tables.OpenList(settings, Parameters.RelayDomains, MatchListKind.Domains));
        context = new MailAddressContext(
            ExtensionRules.From(settings),
            new LocalDomains(
                tables.OpenList(settings, Parameters.Mydestination, MatchListKind.Strings),
                settings.Get(Parameters.Myorigin),
                OwnAddresses.From(settings)));
        nullDomainIsLocal = settings.Get(Parameters.ResolveNullDomain);
        numericDomainIsLiteral = settings.Get(Parameters.ResolveNumericDomain);
        allowsMinus = settings.Get(Parameters.AllowMinUser);
        relocatedPrefix = settings.Get(Parameters.RelocatedPrefixEnable);
        operatorsWithinQuotes = settings.Get(Parameters.ResolveDequotedAddress);
        operators = "@" + (settings.Get(Parameters.SwapBangpath) ? "!" : "") + (settings.Get(Parameters.AllowPercentHack) ? "%" : "");
        myhostname = settings.Get(Parameters.Myhostname);
        emptyRecipient = settings.Get(Parameters.EmptyAddressRecipient);
        virtualAliasUnknown = settings.Get(Parameters.ShowUserUnknownTableName)
            ? "5.1.1 User unknown in virtual alias table"
            : "5.1.1 User unknown";
        relayhost = settings.Get(Parameters.Relayhost);
        nullSenderRelayhostKey = settings.Get(Parameters.EmptyAddressRelayhostMapsLookupKey);
        nullSenderTransportKey = settings.Get(Parameters.EmptyAddressDefaultTransportMapsLookupKey);
        localTransport = TransportNexthop.Parse(settings.Get(Parameters.LocalTransport));
        virtualTransport = TransportNexthop.Parse(settings.Get(Parameters.VirtualTransport));
        relayTransport = TransportNexthop.Parse(settings.Get(Parameters.RelayTransport));
        defaultTransport = TransportNexthop.Parse(settings.Get(Parameters.DefaultTransport));
        transportMaps = tables.Open(settings, Parameters.TransportMaps, TableTrust.NoSubstitution);
        relocatedMaps = tables.Open(settings, Parameters.RelocatedMaps);
        senderRelayhostMaps = tables.Open(settings, Parameters.SenderDependentRelayhostMaps);
        senderTransportMaps = tables.Open(settings, Parameters.SenderDependentDefaultTransportMaps);
    }

    public string Rewrite(string address, bool localContext) => rewriter.Rewrite(address, localContext);

    public async ValueTask<Resolution> ResolveAsync(string sender, string recipient, CancellationToken cancellationToken)
    {
        var address = recipient.Length == 0 ? emptyRecipient : recipient;
        string? localDomain = null;
        string domain;
        while (true)
        {
            address = AddressRewriter.WithoutTrailingDot(address);
            if (nullDomainIsLocal && address is [.., '@'])
            {
                address = address[..^1];
            }

            var at = address.LastIndexOf('@');
            domain = at < 0 ? "" : address[(at + 1)..];
            if (at >= 0 && domain.Length == 0)
            {
                // Nothing behind the @ is no domain, unless what stands before it leads on to one.
                if (at == 0 || !HasRoutingOperator(address.AsSpan(0, at)))
                {
                    return Bad(at == 0 ? $"{emptyRecipient}@" : address);
                }
            }
            else if (at >= 0)
            {
                var local = await context.LocalDomains.MatchAsync(domain, orMyorigin: false, cancellationToken).ConfigureAwait(false);
                if (local.IsFailed)
                {
                    return Failed(address, local);
                }

                if (!local.IsFound)
                {
                    localDomain = null;
                    break;
                }

                localDomain = domain;
            }

            var localPart = address.AsSpan(0, at < 0 ? address.Length : at);
            if (!HasRoutingOperator(localPart))
            {
                localDomain ??= myhostname;
                break;
            }

            address = rewriter.RewriteOperators(localPart.ToString(), localContext: true);
            localDomain = null;
        }

        return localDomain is null
            ? await ResolveRemoteAsync(sender, address, domain, cancellationToken).ConfigureAwait(false)
            : await ResolveLocalAsync(address, localDomain, cancellationToken).ConfigureAwait(false);
    }

    private bool HasRoutingOperator(ReadOnlySpan<char> localPart) =>
        localPart.ContainsAny(operators) && (operatorsWithinQuotes || AddressQuoting.IsDotString(localPart));

    private async ValueTask<Resolution> ResolveLocalAsync(string address, string domain, CancellationToken cancellationToken)
    {
        if (address.Length == 0 || address[0] == '@')
        {
            address = emptyRecipient + address;
        }

        if (!MailAddress.HasDomain(address))
        {
            address = $"{address}@{domain}";
        }

        await classes.WarnOfSecondListAsync(domain, AddressClass.Local, cancellationToken).ConfigureAwait(false);
        return await OverrideAsync(AddressClass.Local, localTransport, address, domain, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<Resolution> ResolveRemoteAsync(string sender, string address, string domain, CancellationToken cancellationToken)
    {
        if (domain[0] == '[' ? !HostnameSyntax.IsAddressLiteral(domain) : !HostnameSyntax.IsHostname(domain))
        {
            if (!numericDomainIsLiteral || !HostnameSyntax.IsAddress(domain))
            {
                return Bad(address);
            }

            domain = domain.Contains(':') ? $"[IPv6:{domain}]" : $"[{domain}]";
            address = $"{MailAddress.LocalPart(address)}@{domain}";
        }

        var (addressClass, failure, list) = await classes.FindAsync(domain, cancellationToken).ConfigureAwait(false);
        if (failure.IsFailed)
        {
            return Failed(address, failure, list);
        }

        await classes.WarnOfSecondListAsync(domain, addressClass, cancellationToken).ConfigureAwait(false);
        var route = addressClass switch
        {
            AddressClass.VirtualAlias => new TransportNexthop(ErrorTransport, virtualAliasUnknown),
            AddressClass.VirtualMailbox => virtualTransport,
            AddressClass.Relay => relayTransport,
            _ => defaultTransport,
        };
        if (addressClass == AddressClass.Default && !senderTransportMaps.IsEmpty)
        {
            var found = await FindForSenderAsync(senderTransportMaps, sender, nullSenderTransportKey, cancellationToken).ConfigureAwait(false);
            if (found.IsFailed)
            {
                return Failed(address, found, senderTransportMaps.Name);
            }

            route = found.IsFound ? TransportNexthop.Parse(found.Value) : route;
            if (route.Transport.Length == 0)
            {
                return Failed(address, LookupResult.Failed($"{senderTransportMaps.Name}: no transport in \"{found.Value}\""));
            }
        }

        if (addressClass is AddressClass.Default or AddressClass.Relay && route.Nexthop.Length == 0)
        {
            var found = await FindForSenderAsync(senderRelayhostMaps, sender, nullSenderRelayhostKey, cancellationToken).ConfigureAwait(false);
            if (found.IsFailed)
            {
                return Failed(address, found, senderRelayhostMaps.Name);
            }

            route = route with { Nexthop = found.IsFound ? found.Value : relayhost };
        }

        return await OverrideAsync(addressClass, route, address, domain, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>transport(5) and relocated(5) have the last word.</summary>
    private async ValueTask<Resolution> OverrideAsync(
        AddressClass addressClass, TransportNexthop route, string address, string domain, CancellationToken cancellationToken)
    {
        if (!transportMaps.IsEmpty && addressClass != AddressClass.VirtualAlias)
        {
            var match = await transportMaps.FindMailAddressAsync(address, AddressKeyForms.Transport, context, cancellationToken).ConfigureAwait(false);
            if (match.IsFailed)
            {
                return Failed(address, match.Result, transportMaps.Name);
            }

            if (match.IsFound)
            {
                var (transport, nexthop) = TransportNexthop.Parse(match.Result.Value);
                route = transport.Length > 0 ? new TransportNexthop(transport, nexthop.Length == 0 && transport is ErrorTransport or "retry" ? Undeliverable : nexthop)
                    : nexthop.Length > 0 ? route with { Nexthop = nexthop }
                    : route;
            }
        }

        if (!relocatedMaps.IsEmpty)
        {
            var match = await relocatedMaps.FindMailAddressAsync(address, AddressKeyForms.AddressOrPlain, context, cancellationToken).ConfigureAwait(false);
            if (match.IsFailed)
            {
                return Failed(address, match.Result, relocatedMaps.Name);
            }

            if (match.IsFound)
            {
                var text = relocatedPrefix ? $"5.1.6 User has moved to {match.Result.Value}" : match.Result.Value;
                route = new TransportNexthop(ErrorTransport, text);
            }
        }

        // Commands that deliver mail might take it for an option.
        if (address[0] == '-' && !allowsMinus)
        {
            return Bad(address);
        }

        // ADDRESS_REWRITING_README: with operators left in the local part the next system might send it anywhere.
        var routed = MailAddress.LocalPart(address).ContainsAny('@', '!', '%');
        return new Resolution(
            ResolveOutcome.Ok, addressClass, route.Transport, route.Nexthop.Length > 0 ? route.Nexthop : domain, address, routed);
    }

    private async ValueTask<LookupResult> FindForSenderAsync(
        TableList maps, string sender, string nullSenderKey, CancellationToken cancellationToken)
    {
        if (maps.IsEmpty)
        {
            return LookupResult.NotFound;
        }

        var found = sender.Length == 0
            ? await FindForNullSenderAsync(maps, nullSenderKey, cancellationToken).ConfigureAwait(false)
            : (await maps.FindMailAddressAsync(sender, AddressKeyForms.SenderDependent, context, cancellationToken).ConfigureAwait(false)).Result;
        return found.IsFound && found.Value.Equals(Dunno, StringComparison.OrdinalIgnoreCase) ? LookupResult.NotFound : found;
    }

    // Postfix asks as if the key were an address: with quotes where one needs them, then without.
    private static async ValueTask<LookupResult> FindForNullSenderAsync(TableList maps, string key, CancellationToken cancellationToken)
    {
        var quoted = AddressQuoting.ToExternal(key);
        var found = ReferenceEquals(quoted, key) ? LookupResult.NotFound : await maps.FindAsync(quoted, cancellationToken).ConfigureAwait(false);
        return found.Outcome == LookupOutcome.NotFound ? await maps.FindAsync(key, cancellationToken).ConfigureAwait(false) : found;
    }

    private static Resolution Bad(string address) =>
        new(ResolveOutcome.BadAddress, AddressClass.Default, "", "", address, Text: "bad address syntax");

    /// <param name="name">The parameter whose tables failed, for Postfix's second line; null for none.</param>
    private Resolution Failed(string address, in LookupResult failure, string? name = null)
    {
        log.LookupFailure(Tag, failure);
        if (name is not null)
        {
            log.Warning(Tag, $"{name} lookup failure");
        }

        return new Resolution(ResolveOutcome.Failed, AddressClass.Default, "", "", address);
    }
}
