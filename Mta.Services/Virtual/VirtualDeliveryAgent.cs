using System.Globalization;
using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Delivery;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Services.Mailbox;
using Mta.Services.Maps;

namespace Mta.Services.Virtual;

/// <summary>
/// virtual - delivers to mailboxes that tables name
///
/// Looks a recipient up in virtual_mailbox_maps by its full address (with and without its extension, then by its domain), and writes to
/// <c>$virtual_mailbox_base/RESULT</c>, a maildir when that ends in <c>/</c>, as the user and group that virtual_uid_maps and
/// virtual_gid_maps give. Users need no account. There are no aliases, commands or .forward files here.
///
/// Bounced: a recipient without a mailbox, a mailbox over its quota or over virtual_mailbox_limit. Everything else that goes wrong is
/// deferred: a table that cannot answer, an id that is missing or below virtual_minimum_uid (both with a warning), the file system.
///
/// See also local(8), which delivers to users of the system.
/// </summary>
public sealed class VirtualDeliveryAgent : IDeliveryAgent
{
    private const string Tag = "virtual";

    private readonly TableRegistry registry;
    private readonly UserDelivery mailboxes;
    private readonly MailLog log;
    private readonly TimeProvider time;
    private readonly Func<DeliveryRequest, Recipient, CancellationToken, ValueTask<DeliveryStatus>> deliver;
    private VirtualTables? tables;

    public VirtualDeliveryAgent(TableRegistry registry, UserDelivery mailboxes, MailLog log, TimeProvider time)
    {
        this.registry = registry;
        this.mailboxes = mailboxes;
        this.log = log;
        this.time = time;
        deliver = DeliverAsync;
    }

    public ValueTask DeliverAsync(DeliveryRequest request, CancellationToken cancellationToken) =>
        RecipientWindow.RunAsync(request, deliver, cancellationToken);

    private async ValueTask<DeliveryStatus> DeliverAsync(DeliveryRequest request, Recipient recipient, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var (dsn, text) = await TryAsync(request, recipient, cancellationToken).ConfigureAwait(false);
        return new DeliveryStatus
        {
            Action = dsn[0] switch { '2' => DeliveryAction.Sent, '5' => DeliveryAction.Bounced, _ => DeliveryAction.Deferred },
            Dsn = dsn,
            Text = text,
            Relay = request.Transport,
            Transmission = time.GetElapsedTime(start),
        };
    }

    private async ValueTask<(string Dsn, string Text)> TryAsync(DeliveryRequest request, Recipient recipient, CancellationToken cancellationToken)
    {
        var maps = TablesFor(request.Settings);
        var found = await maps.MailboxAsync(recipient.Address, cancellationToken).ConfigureAwait(false);
        if (found.IsFailed)
        {
            log.LookupFailure(Tag, found.Result);
            return Misconfigured(request, null);
        }

        if (!found.IsFound)
        {
            return ("5.1.1", $"unknown user: \"{AddressQuoting.ToExternal(recipient.Address).ToLowerInvariant()}\"");
        }

        var uid = await IdAsync(request, recipient, Parameters.VirtualUidMaps, "uid", cancellationToken).ConfigureAwait(false);
        var gid = uid is null ? null : await IdAsync(request, recipient, Parameters.VirtualGidMaps, "gid", cancellationToken).ConfigureAwait(false);
        var directory = request.Settings.Get(Parameters.VirtualMailboxBase);
        if (uid is null || gid is null)
        {
            return Misconfigured(request, null);
        }

        if (!directory.StartsWith('/'))
        {
            return Misconfigured(request, $"do not specify relative pathname: {Parameters.VirtualMailboxBase} = {directory}");
        }

        var order = Order(request, recipient, directory + "/" + found.Result.Value, uid.Value, gid.Value);
        var result = await mailboxes.DeliverAsync(order, request.Content, cancellationToken).ConfigureAwait(false);
        MailboxWarnings.Write(log, Tag, result);
        return (order.IsMaildir, result.IsDelivered) switch
        {
            (true, true) => ("2.0.0", "delivered to maildir"),
            (false, true) => ("2.0.0", "delivered to mailbox"),
            (true, false) => (result.Dsn, "maildir delivery failed: " + result.Reason),
            (false, false) => (result.Dsn, $"delivery failed to mailbox {order.Path}: {result.Reason}"),
        };
    }

    private VirtualTables TablesFor(Settings settings)
    {
        var known = tables;
        if (known?.Settings != settings)
        {
            tables = known = new VirtualTables(settings, registry);
        }

        return known;
    }

    // Null after a warning.
    private async ValueTask<uint?> IdAsync(
        DeliveryRequest request, Recipient recipient, Parameter<string> parameter, string kind, CancellationToken cancellationToken)
    {
        var maps = TablesFor(request.Settings);
        var isUid = parameter == Parameters.VirtualUidMaps;
        var found = isUid
            ? await maps.UidAsync(recipient.Address, cancellationToken).ConfigureAwait(false)
            : await maps.GidAsync(recipient.Address, cancellationToken).ConfigureAwait(false);
        if (found.IsFailed)
        {
            log.LookupFailure(Tag, found.Result);
            return null;
        }

        var address = AddressQuoting.ToExternal(recipient.Address);
        if (!found.IsFound)
        {
            log.Warning(Tag, $"recipient {address}: not found in {parameter}");
            return null;
        }

        // Not the ids of the system's own users, and never root.
        var least = isUid ? Math.Max(1, request.Settings.Get(Parameters.VirtualMinimumUid)) : 1;
        if (!uint.TryParse(found.Result.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var id) || id < least || id == uint.MaxValue)
        {
            log.Warning(Tag, $"recipient {address}: bad {kind} {found.Result.Value} in {parameter}");
            return null;
        }

        return id;
    }

    private (string Dsn, string Text) Misconfigured(DeliveryRequest request, string? warning)
    {
        if (warning is not null)
        {
            log.Warning(Tag, $"{warning}");
        }

        return ("4.3.5", "mail system configuration error");
    }

    private static MailboxOrder Order(DeliveryRequest request, Recipient recipient, string path, uint uid, uint gid)
    {
        var settings = request.Settings;
        return new MailboxOrder
        {
            Path = path,
            Uid = uid,
            Gid = gid,
            Sender = DeliveryHeaders.OneLine(request.Envelope.Sender),
            Headers = DeliveryHeaders.Build(
                request.Envelope.Sender,
                settings.Get(Parameters.EnableOriginalRecipient) ? DeliveryHeaders.OriginalOf(recipient) : null,
                recipient.Address),
            Locks = MailboxLockStyles.Parse(settings.Get(Parameters.VirtualMailboxLock)),
            LockAttempts = settings.Get(Parameters.DeliverLockAttempts),
            LockDelay = settings.Get(Parameters.DeliverLockDelay),
            StaleLockTime = settings.Get(Parameters.StaleLockTime),
            SizeLimit = settings.Get(Parameters.VirtualMailboxLimit),
            StrictOwnership = settings.Get(Parameters.StrictMailboxOwnership),
        };
    }
}
