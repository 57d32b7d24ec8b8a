using Mta.Core.Delivery;
using Mta.Services.Clients;
using Mta.Storage;
using Mta.Storage.Queue;

namespace Mta.Services.Qmgr;

/// <summary>What administrators ask of mail that is in memory.</summary>
public sealed partial class QueueManager
{
    /// <summary>False while it is not known what administrators ask for.</summary>
    internal bool KnowsRequests => ports.Time.GetTimestamp() < scheduler.MayBeginUntil;

    /// <summary>
    /// Says until when, by <see cref="TimeProvider.GetTimestamp"/>, deliveries may begin: the requests of administrators have been read and
    /// obeyed as of a moment that is not too long ago.
    /// </summary>
    public void AllowBeginUntil(long timestamp)
    {
        var closed = scheduler.MayBeginUntil <= ports.Time.GetTimestamp();
        scheduler.MayBeginUntil = timestamp;
        if (closed)
        {
            scheduler.PumpAll();
        }
    }

    /// <summary>Obeys requests for messages that are held here: none of them is attempted any more after this.</summary>
    /// <returns>Those whose deliveries under way have to end first.</returns>
    internal long[] Obey(IReadOnlyList<PendingRequest> requests)
    {
        List<long>? delivering = null;
        var halted = false;
        foreach (var request in requests)
        {
            if (!active.TryGetValue(request.MessageId, out var message))
            {
                continue;
            }

            var ends = false;
            lock (message.Gate)
            {
                if (message.Ending)
                {
                    continue;
                }

                if (request.Action == RequestedAction.Expire)
                {
                    message.ForceExpire = true;
                    continue;
                }

                halted |= message.Request is null;
                message.Request = request.Action;
                ends = message is { InFlight: 0, Reading: false };
                message.Ending = ends;
                if (message.InFlight > 0 && !request.InDelivery)
                {
                    (delivering ??= []).Add(request.MessageId);
                }
            }

            if (ends)
            {
                _ = EndAsync(message);
            }
        }

        if (halted)
        {
            // Only for the memory: what is left in line would not begin.
            scheduler.TakeWhere(IsHalted);
        }

        return delivering?.ToArray() ?? [];
    }

    /// <summary>
    /// Gives back to incoming what no agent has in hand, for other nodes to deliver; the rest follows when its deliveries have ended. Nothing
    /// of it is attempted here any more.
    /// </summary>
    public void HandBack()
    {
        var halted = false;
        foreach (var message in active.Values)
        {
            bool ends;
            lock (message.Gate)
            {
                if (message.Ending || message.Request is not null)
                {
                    continue;
                }

                halted = true;
                message.Request = RequestedAction.HandBack;
                ends = message is { InFlight: 0, Reading: false };
                message.Ending = ends;
            }

            if (ends)
            {
                _ = EndAsync(message);
            }
        }

        if (halted)
        {
            scheduler.TakeWhere(IsHalted);
        }
    }

    /// <summary>True for the name of a place in deferred from which nothing is to be claimed, as far as this node knows.</summary>
    internal bool IsSuspended(string place) => suspensions.Holds(place);

    /// <summary>Takes the list of what is suspended; mail that waits in memory for it is deferred.</summary>
    internal void Suspend(Suspensions now)
    {
        if (now.SameAs(suspensions))
        {
            return;
        }

        suspensions = now;
        if (now.IsEmpty)
        {
            return;
        }

        foreach (var waiting in scheduler.TakeWhere(r => now.HasDestination(r.Nexthop) || now.FindSender(r.Envelope.Sender) is not null))
        {
            if (!IsHalted(waiting))
            {
                var place = now.FindSender(waiting.Envelope.Sender) ?? waiting.Nexthop;
                foreach (var recipient in waiting.Recipients)
                {
                    Record((ActiveMessage)waiting.Content, null, RecipientDispatcher.ErrorService, recipient, Suspensions.Status, place);
                }
            }
        }
    }

    /// <summary>Under the scheduler's lock, right before an agent gets the delivery.</summary>
    private static bool MayStart(DeliveryRequest request)
    {
        var message = (ActiveMessage)request.Content;
        lock (message.Gate)
        {
            if (message.Request is not null || message.IsAbandoned)
            {
                return false;
            }

            message.InFlight++;
            return true;
        }
    }

    private static bool IsHalted(DeliveryRequest request) => request.Content is ActiveMessage { Request: not null } or ActiveMessage { IsAbandoned: true };

    private async ValueTask<bool> ReadReturnReasonAsync(ActiveMessage message, CancellationToken cancellationToken)
    {
        try
        {
            var reason = await ports.Reader.ReturnReasonAsync(message.Envelope.Id.Value, cancellationToken).ConfigureAwait(false);
            message.Returned = DeliveryStatus.Bounced("5.0.0", reason ?? "returned by the administrator");
            return true;
        }
        catch (StorageException e)
        {
            ports.Log.Warning(Tag, $"{message.IdText}: the reason to return it cannot be read: {e.Message}");
            Removed(message);
            ports.SweepNeeded();
            return false;
        }
    }
}
