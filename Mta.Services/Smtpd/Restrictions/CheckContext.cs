using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Smtp;
using Mta.Services.Clients;
using Mta.Services.Maps;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>
/// Walks the restriction lists for a session, in Postfix's order. With smtpd_delay_reject (the default) the client, helo and sender
/// lists are walked for each recipient, before the relay and recipient lists; a permit ends only its own list.
/// </summary>
internal sealed partial class CheckContext(SmtpdSession session)
{
    private static readonly ServerReply TemporaryLookupError = new("451 4.3.0 Temporary lookup error");

    private bool? isMyNetwork;
    private SessionDns? dns;
    private bool rewriteContextKnown;

    /// <summary>What defer_if_permit left after each list, for those that come later in the session or transaction.</summary>
    private Verdict deferredByClient;
    private Verdict deferredByHelo;
    private Verdict deferredBySender;

    public SmtpdSession Session => session;

    public SmtpdConfig Config => session.Config;

    public Settings Settings => session.Config.Snapshot.Settings;

    /// <summary>What the list under way is about: in angle brackets at the start of its replies, an address in internal form as in Postfix.</summary>
    public string Subject { get; private set; } = "";

    /// <summary><c>Recipient address</c>, <c>Helo command</c> ...: the class in <c>CLASS rejected</c>.</summary>
    public string Class { get; private set; } = "";

    /// <summary>The sender of MAIL, in internal form; null before MAIL.</summary>
    public string? Sender { get; private set; }

    /// <summary>The recipient of RCPT or VRFY, in internal form; null otherwise.</summary>
    public string? Recipient { get; private set; }

    /// <summary>Where <see cref="Recipient"/> goes; null when there is none.</summary>
    public Resolution? Resolution { get; private set; }

    /// <summary>The domain of ETRN; null otherwise.</summary>
    public string? EtrnDomain { get; private set; }

    /// <summary>The DNS as this session knows it.</summary>
    public SessionDns Dns => dns ??= new SessionDns(session.Environment.Dns, session.Environment.Hosts);

    /// <summary>
    /// permit_mynetworks would permit the client: asked once a session, for addresses do not change, unless tables say so. Null: a table failed.
    /// </summary>
    public async ValueTask<bool?> IsMyNetworkAsync(CancellationToken cancellationToken)
    {
        if (isMyNetwork is null || Config.MyNetworks.HasTables)
        {
            var client = session.Client;
            var found = await Config.MyNetworks.MatchAsync(client.Name, client.IpAddress, cancellationToken).ConfigureAwait(false);
            if (found.IsFailed)
            {
                session.Log.LookupFailure(session.Tag, found);
                return null;
            }

            isMyNetwork = found.IsFound;
        }

        return isMyNetwork;
    }

    /// <summary>The client is another one from here on.</summary>
    public void ForgetClient()
    {
        isMyNetwork = null;
        rewriteContextKnown = false;
        deferredByClient = deferredByHelo = deferredBySender = default;
    }

    /// <summary>The client list at CONNECT, when rejects are not delayed. The reply that refuses, logged; or null.</summary>
    public ValueTask<ServerReply?> ClientAsync(CancellationToken cancellationToken)
    {
        Begin(null, null);
        return ClientListAsync(cancellationToken);
    }

    public ValueTask<ServerReply?> HeloAsync(CancellationToken cancellationToken)
    {
        Begin(null, null);
        return HeloListAsync(cancellationToken);
    }

    /// <summary>MAIL is refused for its size or for lack of space.</summary>
    public ServerReply RefuseMail(string address, ServerReply reply)
    {
        Begin(address, null);
        return Refused(reply);
    }

    /// <summary>Finds out whether the client's mail is in local context (local_header_rewrite_clients), once for a client.</summary>
    public async ValueTask<ServerReply?> RewriteContextAsync(CancellationToken cancellationToken)
    {
        if (rewriteContextKnown)
        {
            return null;
        }

        if (!session.StandAlone)
        {
            var found = await Config.LocalClients.MatchAsync(Config, session.Client, cancellationToken).ConfigureAwait(false);
            if (found.IsFailed)
            {
                Begin(null, null);
                session.Log.LookupFailure(session.Tag, found);
                return Refused(TemporaryLookupError);
            }

            session.LocalContext = found.IsFound;
        }
        else
        {
            session.LocalContext = true;
        }

        rewriteContextKnown = true;
        return null;
    }

    /// <summary>The address of MAIL: whether it can be one, and without smtpd_delay_reject the sender list.</summary>
    public async ValueTask<ServerReply?> SenderAddressAsync(string address, CancellationToken cancellationToken)
    {
        Begin(address, null);
        dns?.ForgetFailures();
        if (address is ['-', ..] || (MailAddress.HasDomain(address) && !HostNames.IsValid(MailAddress.Domain(address))))
        {
            var resolution = await ResolveAsync(address, cancellationToken).ConfigureAwait(false);
            if (resolution.Outcome == ResolveOutcome.BadAddress)
            {
                ReportBadAddress(address);
                return ProtocolReplies.BadSender;
            }
        }

        return Config.DelayReject ? null : await SenderListAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>All that decides about one recipient.</summary>
    public async ValueTask<ServerReply?> RecipientAsync(string address, CancellationToken cancellationToken)
    {
        Begin(session.Mail.IsActive ? session.Mail.Sender : null, address);
        var resolution = await ResolveAsync(address, cancellationToken).ConfigureAwait(false);
        switch (resolution.Outcome)
        {
            case ResolveOutcome.BadAddress:
                ReportBadAddress(address);
                return ProtocolReplies.BadRecipient;
            case ResolveOutcome.Failed:
                return Refused(TemporaryLookupFailure(address));
            default:
                Resolution = resolution;
                return await WalkAllAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask<ServerReply?> DataAsync(CancellationToken cancellationToken) =>
        Config.Restrictions.Data.Length == 0 ? default : ContentAsync(Config.Restrictions.Data, "DATA", "Data command", cancellationToken);

    public ValueTask<ServerReply?> EndOfDataAsync(CancellationToken cancellationToken) =>
        Config.Restrictions.EndOfData.Length == 0
            ? default
            : ContentAsync(Config.Restrictions.EndOfData, "END-OF-MESSAGE", "End-of-data", cancellationToken);

    /// <summary>ETRN: with smtpd_delay_reject after the client and helo lists.</summary>
    public async ValueTask<ServerReply?> EtrnAsync(string domain, CancellationToken cancellationToken)
    {
        Begin(null, null);
        EtrnDomain = domain;
        var refusal = Config.DelayReject
            ? await ClientListAsync(cancellationToken).ConfigureAwait(false) ?? await HeloListAsync(cancellationToken).ConfigureAwait(false)
            : null;
        if (refusal is null)
        {
            deferIfPermit = First(deferredByClient, deferredByHelo);
            refusal = await WalkAsync(Config.Restrictions.Etrn, domain, "Etrn command", cancellationToken).ConfigureAwait(false) ?? Deferral();
        }

        EtrnDomain = null;
        return refusal;
    }

    /// <summary>The answer to all commands of a client that was refused at CONNECT.</summary>
    public ServerReply AccessDeniedReply() => new($"503 5.7.0 Error: access denied for {session.Client.Tag}");

    /// <summary><c>&lt;subject&gt;: CLASS rejected: text</c>.</summary>
    public string Frame(string text) => $"<{Subject}>: {Class} rejected: {text}";

    /// <summary>The refusal when a table cannot answer: never "not found". As in Postfix the address stands there without quotes.</summary>
    public static ServerReply TemporaryLookupFailure(string address) =>
        new($"451 4.3.0 <{address}>: Temporary lookup failure");

    private void Begin(string? sender, string? recipient)
    {
        Sender = sender;
        Recipient = recipient;
        Resolution = null;
        Subject = "";
        Class = "";
        deferIfPermit = default;
        BeginList();
    }

    /// <summary>What trivial-rewrite(8) makes of an address of the envelope.</summary>
    public ValueTask<Resolution> ResolveAsync(string address, CancellationToken cancellationToken) =>
        Config.Resolver.ResolveAsync(Sender ?? "", Config.Resolver.Rewrite(address, localContext: true), cancellationToken);

    private void ReportBadAddress(string address) => session.Log.Warning(
        session.Tag,
        $"Illegal address syntax from {session.Client.Tag} in {session.Where} command: <{AddressQuoting.ToExternal(address)}>");

    private async ValueTask<ServerReply?> WalkAllAsync(CancellationToken cancellationToken)
    {
        var lists = Config.Restrictions;

        // RFC 5321 section 4.5.1: postmaster without a domain is always heard.
        if (Recipient!.Equals("postmaster", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var subject = Recipient;
        ServerReply? refusal = null;
        if (Config.DelayReject)
        {
            refusal = await ClientListAsync(cancellationToken).ConfigureAwait(false)
                ?? await HeloListAsync(cancellationToken).ConfigureAwait(false)
                ?? (Sender is null ? null : await SenderListAsync(cancellationToken).ConfigureAwait(false));
        }

        if (refusal is not null)
        {
            return refusal;
        }

        // The relay and recipient lists are as one list to the deferrals.
        var (first, second) = lists.RelayFirst ? (lists.Relay, lists.Recipient) : (lists.Recipient, lists.Relay);
        deferIfPermit = deferredBySender;
        refusal = await WalkAsync(first, subject, "Recipient address", cancellationToken).ConfigureAwait(false)
            ?? await WalkOnAsync(second, subject, "Recipient address", cancellationToken).ConfigureAwait(false)
            ?? Deferral();
        if (refusal is not null || !Config.UnlistedRecipients.RejectRecipients || IsDiscarded)
        {
            return refusal;
        }

        Enter(subject, "Recipient address");
        return ReplyTo(await Config.UnlistedRecipients.CheckRecipientAsync(this, cancellationToken).ConfigureAwait(false));
    }

    private async ValueTask<ServerReply?> ClientListAsync(CancellationToken cancellationToken)
    {
        deferIfPermit = default;
        var refusal = await WalkAsync(Config.Restrictions.Client, session.Client.Tag, "Client host", cancellationToken).ConfigureAwait(false);
        deferredByClient = deferIfPermit;
        return refusal;
    }

    private async ValueTask<ServerReply?> HeloListAsync(CancellationToken cancellationToken)
    {
        if (session.Helo is not { } helo)
        {
            return null;
        }

        deferIfPermit = deferredByClient;
        var refusal = await WalkAsync(Config.Restrictions.Helo, helo, "Helo command", cancellationToken).ConfigureAwait(false);
        deferredByHelo = deferIfPermit;
        return refusal;
    }

    private async ValueTask<ServerReply?> SenderListAsync(CancellationToken cancellationToken)
    {
        var lists = Config.Restrictions;
        deferIfPermit = First(deferredByClient, deferredByHelo);
        deferredBySender = deferIfPermit;
        if (lists.Sender.Length == 0 && !Config.UnlistedRecipients.RejectSenders)
        {
            return null;
        }

        var subject = Sender!;
        var refusal = await WalkAsync(lists.Sender, subject, "Sender address", cancellationToken).ConfigureAwait(false);
        deferredBySender = deferIfPermit;
        if (refusal is not null || !Config.UnlistedRecipients.RejectSenders || IsDiscarded)
        {
            return refusal;
        }

        Enter(subject, "Sender address");
        return ReplyTo(await Config.UnlistedRecipients.CheckSenderAsync(this, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>The lists about the content: what earlier lists deferred is over, for those recipients were refused.</summary>
    private async ValueTask<ServerReply?> ContentAsync(Restriction[] list, string subject, string @class, CancellationToken cancellationToken)
    {
        // With several recipients none of them stands for the message.
        var mail = session.Mail;
        Begin(mail.Sender, mail.RecipientCount == 1 ? mail.Recipient : null);
        if (Recipient is not null)
        {
            var resolution = await ResolveAsync(Recipient, cancellationToken).ConfigureAwait(false);
            if (resolution.Outcome == ResolveOutcome.Failed)
            {
                return Refused(TemporaryLookupFailure(Recipient));
            }

            Resolution = resolution.Outcome == ResolveOutcome.Ok ? resolution : null;
        }

        return await WalkAsync(list, subject, @class, cancellationToken).ConfigureAwait(false) ?? Deferral();
    }
}
