using Mta.Core.Config;
using Mta.Core.Delivery;
using Mta.Core.Queue;

namespace Mta.Services.Clients;

/// <summary>A delivery agent: smtp, lmtp, local, virtual, error, discard ... One instance serves all requests of its master.cf service.</summary>
public interface IDeliveryAgent
{
    /// <summary>
    /// Tries each recipient once and reports each exactly once to <see cref="DeliveryRequest.Report"/> before the returned task ends.
    /// Never throws for what a peer, a file or a table does: that is a deferred or bounced recipient.
    /// After an exception (our bug) the queue manager defers the recipients that were not reported.
    /// </summary>
    ValueTask DeliverAsync(DeliveryRequest request, CancellationToken cancellationToken);

    /// <summary>Closes connections to a next hop that are kept for later: other nodes use them up now. Never waits.</summary>
    void CloseIdle(string nexthop)
    {
    }
}

/// <summary>Takes the outcome of each recipient: the queue manager, or a test.</summary>
public interface IDeliveryReport
{
    /// <summary>The outcome of one recipient. Writes the log line; the row is finished by a later batch.</summary>
    void Report(DeliveryRequest request, Recipient recipient, DeliveryStatus status);

    /// <summary>The destination as a whole could not be reached (connection, greeting, handshake): it is throttled.</summary>
    void DestinationFailed(DeliveryRequest request, DeliveryStatus reason);

    /// <summary>False when the node may not end this delivery any more: its lease is over, or the message is another node's now.</summary>
    bool MayFinish(DeliveryRequest request) => true;
}

/// <summary>Recipients of one message for one destination, given to a delivery agent at once.</summary>
public sealed class DeliveryRequest
{
    private bool[]? reported;
    private int reportedCount;

    public required Envelope Envelope { get; init; }

    public required IMessageContent Content { get; init; }

    /// <summary>The name of the master.cf service, for example <c>smtp</c> or <c>relay</c>; it is also the log tag.</summary>
    public required string Transport { get; init; }

    /// <summary>The next hop as resolved, for example <c>example.com</c> or <c>[127.0.0.1]:2526</c>; the text of an error transport.</summary>
    public required string Nexthop { get; init; }

    public required IReadOnlyList<Recipient> Recipients { get; init; }

    /// <summary>The configuration of the transport's service, with its <c>-o</c> overrides.</summary>
    public required Settings Settings { get; init; }

    public required IDeliveryReport Reports { get; init; }

    /// <summary>When the message entered the active queue, by <see cref="TimeProvider.GetTimestamp"/>: the end of a in delays=a/b/c/d.</summary>
    public long ActiveTimestamp { get; init; }

    /// <summary>When this request was handed to the agent: the end of b in delays=a/b/c/d.</summary>
    public long StartTimestamp { get; set; }

    /// <summary>The service's name in log lines.</summary>
    internal string LogTag { get => field ?? Transport; init; }

    /// <summary>The queue manager's name of the queue that the request waited in: the next hop, or a recipient of it.</summary>
    internal string QueueName { get; init; } = "";

    /// <summary>The destination as a whole failed during this delivery.</summary>
    internal bool DestinationHasFailed { get; set; }

    /// <summary>Recipients without outcome are left.</summary>
    internal bool HasUnreported => reportedCount < Recipients.Count;

    /// <summary>Asked before what makes the delivery final, such as the final dot.</summary>
    public bool MayFinish => Reports.MayFinish(this);

    public void Report(Recipient recipient, DeliveryStatus status) => Reports.Report(this, recipient, status);

    /// <summary>False when this recipient was reported before: an outcome counts once.</summary>
    internal bool MarkReported(Recipient recipient)
    {
        if (Recipients.Count > 1)
        {
            reported ??= new bool[Recipients.Count];
            var index = 0;
            while (index < Recipients.Count && !ReferenceEquals(Recipients[index], recipient))
            {
                index++;
            }

            if (reported[index])
            {
                return false;
            }

            reported[index] = true;
        }
        else if (reportedCount > 0)
        {
            return false;
        }

        reportedCount++;
        return true;
    }

    public void ReportAll(DeliveryStatus status)
    {
        foreach (var recipient in Recipients)
        {
            Reports.Report(this, recipient, status);
        }
    }
}
