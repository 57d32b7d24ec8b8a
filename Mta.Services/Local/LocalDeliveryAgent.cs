using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Delivery;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Services.Mailbox;
using Mta.Services.Maps;
using Mta.Storage;

namespace Mta.Services.Local;

/// <summary>
/// local - delivers to users of this system
///
/// The local part, folded to lower case, is looked for in alias_maps, with its extension and without; else it is a user, whose mailbox is
/// <c>home_mailbox</c> below the home directory or a file in mail_spool_directory, written as that user. An alias stands for addresses:
/// local ones are expanded in turn, others are put back into the queue as one new message. An alias that names itself means the user's
/// mailbox, and so does <c>\user</c>. The alias owner-NAME makes that address the envelope sender of what NAME forwards.
///
/// Bounced: unknown users, loops (an alias that leads back to itself, mail whose Delivered-To header names the recipient already), a
/// mailbox over its quota or over mailbox_size_limit. Deferred: everything else that goes wrong.
///
/// Warned: mail for postmaster or mailer-daemon without alias and user, which is discarded.
///
/// Known limits: commands, files and :include: in aliases are deferred, with that reason; .forward files, mailbox_command,
/// mailbox_transport, fallback_transport and luser_relay are not there yet. Of a recipient that stands for several mailboxes, those that
/// succeeded get another copy when one has to be tried again, as with Postfix.
///
/// See also virtual(8), aliases(5).
/// </summary>
public sealed class LocalDeliveryAgent(
    TableRegistry registry, UserDelivery mailboxes, IAddressResolver resolver, ICleanup cleanup, MailLog log, TimeProvider time) : IDeliveryAgent
{
    private const string Tag = "local";

    private readonly LocalMailboxes writer = new(mailboxes, log);
    private readonly Forwarder forwarder = new(cleanup, time);
    private LocalTables? tables;

    public async ValueTask DeliverAsync(DeliveryRequest request, CancellationToken cancellationToken)
    {
        DeliveredToHeaders delivered;
        try
        {
            delivered = await DeliveredToHeaders.ReadAsync(request.Content, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException failure)
        {
            request.ReportAll(Status(request, time.GetTimestamp(), ("4.3.0", "error reading message: " + failure.Message), expanded: false));
            return;
        }

        await RecipientWindow.RunAsync(request, (r, recipient, token) => DeliverAsync(r, recipient, delivered, token), cancellationToken)
            .ConfigureAwait(false);
    }

    private async ValueTask<DeliveryStatus> DeliverAsync(
        DeliveryRequest request, Recipient recipient, DeliveredToHeaders delivered, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        if (delivered.Contains(recipient.Address))
        {
            var loop = "mail forwarding loop for " + AddressQuoting.ToExternal(recipient.Address);
            return Status(request, start, ("5.4.6", loop), expanded: false);
        }

        var expansion = new LocalExpansion(TablesFor(request.Settings), resolver, request.Transport);
        await expansion.AddRecipientAsync(request.Envelope, recipient.Address, cancellationToken).ConfigureAwait(false);
        if (expansion.Loop is { } alias)
        {
            log.Warning(Tag, $"alias database loop for {alias}");
        }

        if (expansion.MissingAlias is { } missing)
        {
            log.Warning(Tag, $"required alias not found: {missing}");
        }

        var outcome = expansion.Failure is { Dsn: ['4', ..] } failure
            ? failure
            : await ProceedAsync(request, recipient, expansion, cancellationToken).ConfigureAwait(false);
        return Status(request, start, outcome, expanded: expansion.Forwards.Count > 0);
    }

    // Mailboxes first: when one has to be tried again, nothing was forwarded yet that would be forwarded once more.
    private async ValueTask<(string Dsn, string Text)> ProceedAsync(
        DeliveryRequest request, Recipient recipient, LocalExpansion expansion, CancellationToken cancellationToken)
    {
        var worst = expansion.Failure ?? ("2.0.0", "discarded");
        foreach (var (user, sender) in expansion.Mailboxes)
        {
            var outcome = await writer.DeliverAsync(request, recipient, user, sender, cancellationToken).ConfigureAwait(false);
            worst = Worse(worst, outcome);
        }

        if (worst.Dsn[0] == '4')
        {
            return worst;
        }

        foreach (var (sender, addresses) in expansion.Forwards)
        {
            var outcome = await forwarder.ForwardAsync(request, recipient, sender, addresses, cancellationToken).ConfigureAwait(false);
            worst = Worse(worst, outcome);
        }

        return worst;
    }

    // Deferred before bounced before delivered; of two that are delivered, the later text.
    private static (string Dsn, string Text) Worse((string Dsn, string Text) one, (string Dsn, string Text) other) =>
        Rank(other.Dsn) >= Rank(one.Dsn) ? other : one;

    private static int Rank(string dsn) => dsn[0] switch { '4' => 2, '5' => 1, _ => 0 };

    private DeliveryStatus Status(DeliveryRequest request, long start, (string Dsn, string Text) outcome, bool expanded) => new()
    {
        Action = outcome.Dsn[0] switch
        {
            '4' => DeliveryAction.Deferred,
            '5' => DeliveryAction.Bounced,
            _ => expanded ? DeliveryAction.Expanded : DeliveryAction.Sent,
        },
        Dsn = outcome.Dsn,
        Text = outcome.Text,
        Relay = request.Transport,
        Transmission = time.GetElapsedTime(start),
    };

    private LocalTables TablesFor(Settings settings)
    {
        var known = tables;
        if (known?.Settings != settings)
        {
            tables = known = new LocalTables(settings, registry);
        }

        return known;
    }
}
