using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Smtp;
using Mta.Services.Clients;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>
/// Walks the restriction lists for a session, in Postfix's order. With smtpd_delay_reject (the default) the client, helo and sender
/// lists are walked for each recipient, before the relay and recipient lists; a permit ends only its own list.
/// </summary>
internal sealed class CheckContext(SmtpdSession session)
{
    private bool? isMyNetwork;

    public SmtpdSession Session => session;

    public SmtpdConfig Config => session.Config;

    public Settings Settings => session.Config.Snapshot.Settings;

    /// <summary>What the list under way is about: in angle brackets at the start of its replies.</summary>
    public string Subject { get; private set; } = "";

    /// <summary><c>Recipient address</c>, <c>Helo command</c> ...: the class in <c>CLASS rejected</c>.</summary>
    public string Class { get; private set; } = "";

    /// <summary>The sender of MAIL, in internal form; null before MAIL.</summary>
    public string? Sender { get; private set; }

    /// <summary>The recipient of RCPT or VRFY, in internal form; null otherwise.</summary>
    public string? Recipient { get; private set; }

    /// <summary>Where <see cref="Recipient"/> goes; null when there is none.</summary>
    public Resolution? Resolution { get; private set; }

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
                session.Log.Warning(session.Tag, $"{client.Tag}: {found.Text}");
                return null;
            }

            isMyNetwork = found.IsFound;
        }

        return isMyNetwork;
    }

    /// <summary>The client list at CONNECT, when rejects are not delayed. The reply that refuses, logged; or null.</summary>
    public ValueTask<ServerReply?> ClientAsync(CancellationToken cancellationToken)
    {
        Begin(null, null);
        return WalkAsync(Config.Restrictions.Client, ClientSubject, "Client host", cancellationToken);
    }

    public ValueTask<ServerReply?> HeloAsync(CancellationToken cancellationToken)
    {
        Begin(null, null);
        return WalkAsync(Config.Restrictions.Helo, session.Helo ?? "", "Helo command", cancellationToken);
    }

    /// <summary>MAIL is refused for its size or for lack of space.</summary>
    public ServerReply RefuseMail(string address, ServerReply reply)
    {
        Begin(address, null);
        return Refused(reply, "reject");
    }

    /// <summary>The address of MAIL: whether it can be one, and without smtpd_delay_reject the sender list.</summary>
    public async ValueTask<ServerReply?> SenderAddressAsync(string address, CancellationToken cancellationToken)
    {
        Begin(address, null);
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
                return Refused(TemporaryLookupFailure(address), "reject");
            default:
                Resolution = resolution;
                return await WalkAllAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask<ServerReply?> DataAsync(CancellationToken cancellationToken)
    {
        if (Config.Restrictions.Data.Length == 0)
        {
            return default;
        }

        // With several recipients none of them stands for the message.
        Begin(session.Mail.Sender, session.Mail.RecipientCount == 1 ? session.Mail.Recipient : null);
        return WalkAsync(Config.Restrictions.Data, "DATA", "Data command", cancellationToken);
    }

    public ValueTask<ServerReply?> EndOfDataAsync(CancellationToken cancellationToken)
    {
        if (Config.Restrictions.EndOfData.Length == 0)
        {
            return default;
        }

        Begin(session.Mail.Sender, session.Mail.RecipientCount == 1 ? session.Mail.Recipient : null);
        return WalkAsync(Config.Restrictions.EndOfData, "END-OF-MESSAGE", "End-of-data", cancellationToken);
    }

    /// <summary>The answer to all commands of a client that was refused at CONNECT.</summary>
    public ServerReply AccessDeniedReply() => new($"503 5.7.0 Error: access denied for {session.Client.Tag}");

    /// <summary><c>&lt;subject&gt;: CLASS rejected: text</c>.</summary>
    public string Frame(string text) => $"<{Subject}>: {Class} rejected: {text}";

    /// <summary>The refusal when a table cannot answer: never "not found".</summary>
    public static ServerReply TemporaryLookupFailure(string address) =>
        new($"451 4.3.0 <{AddressQuoting.ToExternal(address)}>: Temporary lookup failure");

    private string ClientSubject => session.Client.Tag;

    private void Begin(string? sender, string? recipient)
    {
        Sender = sender;
        Recipient = recipient;
        Resolution = null;
        Subject = "";
        Class = "";
    }

    private ValueTask<Resolution> ResolveAsync(string address, CancellationToken cancellationToken) =>
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

        var subject = AddressQuoting.ToExternal(Recipient);
        ServerReply? refusal = null;
        if (Config.DelayReject)
        {
            refusal = await WalkAsync(lists.Client, ClientSubject, "Client host", cancellationToken).ConfigureAwait(false)
                ?? (session.Helo is null
                    ? null
                    : await WalkAsync(lists.Helo, session.Helo, "Helo command", cancellationToken).ConfigureAwait(false))
                ?? (Sender is null ? null : await SenderListAsync(cancellationToken).ConfigureAwait(false));
        }

        var (first, second) = lists.RelayFirst ? (lists.Relay, lists.Recipient) : (lists.Recipient, lists.Relay);
        refusal ??= await WalkAsync(first, subject, "Recipient address", cancellationToken).ConfigureAwait(false)
            ?? await WalkAsync(second, subject, "Recipient address", cancellationToken).ConfigureAwait(false);
        if (refusal is not null || !Config.UnlistedRecipients.RejectRecipients)
        {
            return refusal;
        }

        Enter(subject, "Recipient address");
        var unlisted = await Config.UnlistedRecipients.CheckRecipientAsync(this, cancellationToken).ConfigureAwait(false);
        return unlisted.Kind == VerdictKind.Refuse ? Refused(unlisted.Reply!, "reject") : null;
    }

    private async ValueTask<ServerReply?> SenderListAsync(CancellationToken cancellationToken)
    {
        var lists = Config.Restrictions;
        if (lists.Sender.Length == 0 && !Config.UnlistedRecipients.RejectSenders)
        {
            return null;
        }

        var subject = AddressQuoting.ToExternal(Sender!);
        var refusal = await WalkAsync(lists.Sender, subject, "Sender address", cancellationToken).ConfigureAwait(false);
        if (refusal is not null || !Config.UnlistedRecipients.RejectSenders)
        {
            return refusal;
        }

        Enter(subject, "Sender address");
        var unlisted = await Config.UnlistedRecipients.CheckSenderAsync(this, cancellationToken).ConfigureAwait(false);
        return unlisted.Kind == VerdictKind.Refuse ? Refused(unlisted.Reply!, "reject") : null;
    }

    private void Enter(string subject, string @class)
    {
        Subject = subject;
        Class = @class;
    }

    private async ValueTask<ServerReply?> WalkAsync(Restriction[] list, string subject, string @class, CancellationToken cancellationToken)
    {
        Enter(subject, @class);
        foreach (var restriction in list)
        {
            var verdict = await restriction.Definition.Function(this, restriction.Tables, cancellationToken).ConfigureAwait(false);
            if (verdict.Kind == VerdictKind.Ok)
            {
                return null;
            }

            if (verdict.Kind != VerdictKind.Refuse)
            {
                continue;
            }

            if (!restriction.WarnOnly)
            {
                return Refused(verdict.Reply!, "reject");
            }

            Refused(verdict.Reply!, "reject_warning");
        }

        return null;
    }

    private ServerReply Refused(ServerReply reply, string what)
    {
        if (Config.SoftBounce)
        {
            reply = reply.Soften();
        }

        var sender = Sender is null ? "" : $" from=<{AddressQuoting.ToExternal(Sender)}>";
        var recipient = Recipient is null ? "" : $" to=<{AddressQuoting.ToExternal(Recipient)}>";
        var protocol = session.Where == "CONNECT" ? "" : $" proto={session.Protocol}";
        var helo = session.Helo is null ? "" : $" helo=<{session.Helo}>";
        var occasion = $"{what}: {session.Where} from {session.Client.Tag}";
        session.Log.Info(session.Tag, $"{session.QueueTag}: {occasion}: {reply.Text};{sender}{recipient}{protocol}{helo}");
        if (what == "reject")
        {
            session.Environment.Rejects?.Add(
                session.QueueTag, session.Where, session.Client.Name, session.Client.Address, session.Helo, Sender, Recipient, reply);
        }

        return reply;
    }
}
