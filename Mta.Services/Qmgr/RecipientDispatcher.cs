using Mta.Core.Delivery;
using Mta.Core.Queue;
using Mta.Services.Clients;

namespace Mta.Services.Qmgr;

/// <summary>Takes the outcome of a recipient for which no delivery was tried, with the destination that it waits for when that is known.</summary>
internal delegate void NotTried(ActiveMessage message, Recipient recipient, DeliveryStatus status, string? destination);

/// <summary>
/// Sends the recipients of a message on their way: each is resolved to a transport and a next hop, those that go the same way go together,
/// up to the transport's recipient limit.
/// </summary>
internal sealed class RecipientDispatcher(
    DeliveryScheduler scheduler, Func<IAddressResolver> resolver, IDeliveryReport reports, NotTried notTried,
    Func<Suspensions> suspensions, Func<QueueManagerOptions> options)
{
    /// <summary>The log tag of outcomes for which no delivery was tried, as Postfix has it.</summary>
    public const string ErrorService = "error";

    /// <summary>
    /// Puts every recipient into a queue, or reports it. <see cref="ActiveMessage.Open"/> has to count them all before: the last report may
    /// end the round while this still runs.
    /// </summary>
    public async ValueTask DispatchAsync(
        ActiveMessage message, IReadOnlyList<Recipient> recipients, CancellationToken cancellationToken)
    {
        if (suspensions().FindSender(message.Envelope.Sender) is { } place)
        {
            foreach (var recipient in recipients)
            {
                notTried(message, recipient, Suspensions.Status, place);
            }

            return;
        }

        if (recipients.Count == 1)
        {
            if (await ResolveAsync(message, recipients[0], cancellationToken).ConfigureAwait(false) is { } found)
            {
                Enqueue(message, found.Route, ReferenceEquals(found.Recipient, recipients[0]) ? recipients : [found.Recipient]);
            }

            return;
        }

        var groups = new Dictionary<Route, List<Recipient>>();
        foreach (var recipient in recipients)
        {
            if (await ResolveAsync(message, recipient, cancellationToken).ConfigureAwait(false) is { } found)
            {
                if (!groups.TryGetValue(found.Route, out var group))
                {
                    groups.Add(found.Route, group = []);
                }

                group.Add(found.Recipient);
            }
        }

        foreach (var (route, group) in groups)
        {
            Enqueue(message, route, group);
        }
    }

    /// <summary>Where the recipient goes, and the recipient as it is to be delivered to: resolving may have taken its own domain off, and more.</summary>
    private async ValueTask<(Route Route, Recipient Recipient)?> ResolveAsync(
        ActiveMessage message, Recipient recipient, CancellationToken cancellationToken)
    {
        if (message.Envelope.Filter is { } filter && (message.Envelope.Flags & EnvelopeFlags.Probe) == 0)
        {
            // A content filter comes before routing: the address is not even looked at.
            var (first, hop) = Split(filter, recipient.Address);
            return Find(message, recipient, first, hop);
        }

        var resolution = await resolver().ResolveAsync(message.Envelope.Sender, recipient.Address, cancellationToken).ConfigureAwait(false);
        switch (resolution.Outcome)
        {
            case ResolveOutcome.Failed:
                notTried(message, recipient, DeliveryStatus.Deferred("4.3.0", resolution.Text ?? "address resolver failure"), null);
                return null;
            case ResolveOutcome.BadAddress:
                notTried(message, recipient, DeliveryStatus.Bounced("5.1.3", resolution.Text ?? "bad address syntax"), null);
                return null;
        }

        // A notification about a notification, for ourselves: nobody is left to tell.
        if (resolution.Class == AddressClass.Local && IsDoubleBounce(recipient.Address))
        {
            notTried(message, recipient, new DeliveryStatus
            {
                Action = DeliveryAction.Sent, Dsn = "2.0.0", Text = "undeliverable postmaster notification discarded",
            }, null);
            return null;
        }

        return Find(message, Resolved(recipient, resolution.Recipient), resolution.Transport, resolution.Nexthop);
    }

    private static Recipient Resolved(Recipient recipient, string address) =>
        address.Equals(recipient.Address, StringComparison.Ordinal)
            ? recipient
            : new Recipient
            {
                Number = recipient.Number,
                Address = address,
                Original = recipient.Original ?? recipient.Address,
                Notify = recipient.Notify,
                OriginalRecipient = recipient.OriginalRecipient,
            };

    private (Route Route, Recipient Recipient)? Find(ActiveMessage message, Recipient recipient, string transport, string nexthop)
    {
        if (scheduler.Find(transport) is not { } found)
        {
            notTried(message, recipient, DeliveryStatus.Deferred("4.3.0", "mail transport unavailable"), null);
            return null;
        }

        if (suspensions().HasDestination(nexthop))
        {
            notTried(message, recipient, Suspensions.Status, nexthop);
            return null;
        }

        // With one recipient a delivery, each recipient is a destination: a slow mailbox does not hold up the others.
        var queue = found.RecipientLimit == 1 && transport is not (ErrorService or "retry") ? recipient.Address : nexthop;
        return (new Route(transport, nexthop, queue, found.Service, found.RecipientLimit), recipient);
    }

    private void Enqueue(
        ActiveMessage message, Route route, IReadOnlyList<Recipient> recipients)
    {
        MessageEntries? entries = null;
        for (var start = 0; start < recipients.Count; start += route.RecipientLimit)
        {
            var part = recipients.Count <= route.RecipientLimit ? recipients : [.. recipients.Skip(start).Take(route.RecipientLimit)];
            var request = new DeliveryRequest
            {
                Envelope = message.Envelope,
                Content = message,
                Transport = route.Transport,
                Nexthop = route.Nexthop,
                Recipients = part,
                Settings = route.Service.Settings,
                Reports = reports,
                ActiveTimestamp = message.ActiveTimestamp,
                QueueName = route.Queue,
                LogTag = route.Service.LogTag,
            };
            if (entries is null)
            {
                entries = new MessageEntries(request);
            }
            else
            {
                entries.Add(request);
            }
        }

        if (entries is not null && scheduler.Enqueue(entries, route.Transport, route.Queue) is { } dead)
        {
            foreach (var recipient in recipients)
            {
                notTried(message, recipient, dead, route.Nexthop);
            }
        }
    }

    private static bool IsDoubleBounce(string address) =>
        address.StartsWith("double-bounce", StringComparison.OrdinalIgnoreCase) && (address.Length == 13 || address[13] == '@');

    /// <summary>transport:nexthop. Without a next hop, default_filter_nexthop or the domain of the recipient.</summary>
    private (string Transport, string Nexthop) Split(string filter, string recipient)
    {
        var colon = filter.IndexOf(':', StringComparison.Ordinal);
        if (colon >= 0 && colon + 1 < filter.Length)
        {
            return (filter[..colon], filter[(colon + 1)..]);
        }

        var current = options();
        var at = recipient.LastIndexOf('@');
        return (
            colon < 0 ? filter : filter[..colon],
            current.FilterNexthop.Length > 0 ? current.FilterNexthop
            : at >= 0 && at + 1 < recipient.Length ? recipient[(at + 1)..]
            : current.Hostname);
    }

    private readonly record struct Route(string Transport, string Nexthop, string Queue, TransportService Service, int RecipientLimit)
    {
        public bool Equals(Route other) => Transport == other.Transport && Nexthop == other.Nexthop && Queue == other.Queue;

        public override int GetHashCode() => HashCode.Combine(Transport, Nexthop, Queue);
    }
}
