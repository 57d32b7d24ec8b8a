using System.Collections.Concurrent;
using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Delivery;
using Mta.Core.Qmgr;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Storage.Nodes;
using Mta.Storage.Queue;

namespace Mta.Services.Qmgr;

/// <summary>
/// qmgr(8): the active queue of one node.
/// <para>
/// Mail enters it from this node's own intake, in memory, or by claims from incoming and deferred. Each round tries every recipient once;
/// then the message is finished, deferred, or returned, in one transaction. From the claim or the accept on this node is responsible for
/// the message, until that transaction is committed or the node's epoch ends.
/// </para>
/// <para>
/// Warned of: results that came too late because the epoch had ended; mail that the epoch owned but the node did not hold. A message whose
/// content is incomplete is set aside in corrupt. See also: ARCHITECTURE.md, sql/README.md (states of a message).
/// </para>
/// </summary>
public sealed partial class QueueManager : IDeliveryReport, IAsyncDisposable
{
    private const string Tag = "qmgr";

    private readonly ConcurrentDictionary<long, ActiveMessage> active = new();
    private readonly QueueManagerPorts ports;
    private readonly DeliveryScheduler scheduler;
    private readonly RecipientDispatcher dispatcher;
    private readonly DeliveryLog deliveryLog;
    private readonly RoundEnding rounds;
    private long heldBytes;
    private volatile QueueManagerOptions options;
    private volatile Suspensions suspensions = Suspensions.None;

    public QueueManager(QueueManagerPorts ports, Settings settings, IEnumerable<TransportService> transports)
    {
        this.ports = ports;
        options = new QueueManagerOptions(settings);
        scheduler = new DeliveryScheduler(ports.Time, ports.Log, MayStart, RequestEnded) { LeaseHeld = ports.LeaseHeld };
        scheduler.Configure(transports);
        dispatcher = new RecipientDispatcher(scheduler, ports.Resolver, this, NotTried, () => suspensions, () => options);
        deliveryLog = new DeliveryLog(ports.Log, ports.Time);
        rounds = new RoundEnding(ports, () => options, Removed, Activate);
    }

    /// <summary>Messages in the active queue.</summary>
    public int ActiveCount => active.Count;

    /// <summary>Deliveries that agents have in hand.</summary>
    public int DeliveryCount => scheduler.Running;

    /// <summary>Room for messages, in messages.</summary>
    public int Room => Math.Max(0, options.ActiveLimit - active.Count);

    /// <summary>True when this node has much to do and another one has less than half of it: what comes is for that one.</summary>
    /// <param name="leastLoad">Messages that the node which has the fewest owns; null when this one is alone.</param>
    public bool IsLoaded(int? leastLoad) => leastLoad is { } least && options.ShareLimit is > 0 and var limit && active.Count >= limit && active.Count / 2 > least;

    /// <summary>False while the node has no lease: nothing new is tried.</summary>
    public bool MayDeliver
    {
        get => scheduler.MayDeliver;
        set => scheduler.MayDeliver = value;
    }

    internal QueueManagerOptions Options => options;

    /// <summary>Takes a new configuration; deliveries under way finish under the old one.</summary>
    public void Configure(Settings settings, IEnumerable<TransportService> transports)
    {
        options = new QueueManagerOptions(settings);
        scheduler.Configure(transports);
    }

    /// <summary>The ids of all messages that this node holds.</summary>
    public long[] HeldIds() => [.. active.Keys];

    /// <summary>Forgets the messages of ended epochs: they are other nodes' now. Nothing of them is tried any more, and no final dot sent.</summary>
    public void Abandon()
    {
        var epoch = ports.Epoch();
        foreach (var message in active.Values)
        {
            if (!ReferenceEquals(message.Epoch, epoch))
            {
                message.Abandon();
                if (active.TryRemove(new KeyValuePair<long, ActiveMessage>(message.Envelope.Id.Value, message)))
                {
                    // Its memory is not given back: a delivery under way may be reading it.
                    Interlocked.Add(ref heldBytes, -message.HeldBytes);
                }
            }
        }

        scheduler.TakeWhere(static r => ((ActiveMessage)r.Content).IsAbandoned);
        if (scheduler.Changed is { } changed)
        {
            // What was granted to the old epoch is others' now.
            scheduler.Join();
            changed();
        }
    }

    /// <summary>About once a second: suspended destinations that may be tried again, rate delays, a lease that came back.</summary>
    public void Tick() => scheduler.PumpAll();

    /// <summary>Forgets which destinations are dead, so that flushed mail is tried.</summary>
    public void ReviveDestinations() => scheduler.ReviveAll();

    public void Report(DeliveryRequest request, Recipient recipient, DeliveryStatus status)
    {
        if (request.MarkReported(recipient))
        {
            Record((ActiveMessage)request.Content, request, request.Transport, recipient, status);
        }
    }

    public bool MayFinish(DeliveryRequest request) => ports.LeaseHeld() && !((ActiveMessage)request.Content).IsAbandoned;

    public void DestinationFailed(DeliveryRequest request, DeliveryStatus reason) =>
        Defer(scheduler.Failed(request, reason), DeliveryStatus.Deferred(reason.Dsn, "delivery temporarily suspended: " + reason.Text));

    /// <summary>Ends the deliveries under way within the limit, and writes what has come of them.</summary>
    public async ValueTask StopAsync(TimeSpan limit) => await scheduler.StopAsync(limit).ConfigureAwait(false);

    public ValueTask DisposeAsync() => scheduler.DisposeAsync();

    private void Begin(ActiveMessage message, IReadOnlyList<Recipient> recipients)
    {
        var dispatched = dispatcher.DispatchAsync(message, recipients, CancellationToken.None);
        if (!dispatched.IsCompletedSuccessfully)
        {
            _ = WatchAsync(dispatched, message);
        }
    }

    private async Task WatchAsync(ValueTask dispatched, ActiveMessage message)
    {
        try
        {
            await dispatched.ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A bug here must not lose sight of the message: it stays in the database and is found again by the sweep.
        catch (Exception e)
#pragma warning restore CA1031
        {
            ports.Log.Panic(Tag, $"{message.IdText}: {e}");
            Removed(message);
        }
    }

    /// <summary>Reads the next window of recipients; ends the round when there are none.</summary>
    private async ValueTask ContinueAsync(ActiveMessage message, CancellationToken cancellationToken)
    {
        IReadOnlyList<Recipient> recipients;
        lock (message.Gate)
        {
            message.Reading = true;
        }

        try
        {
            recipients = await ports.Reader.RecipientsAsync(
                message.Envelope.Id.Value, message.LastNumber, options.RecipientWindow, cancellationToken).ConfigureAwait(false);
        }
        catch (Mta.Storage.StorageException e)
        {
            ports.Log.Warning(Tag, $"{message.IdText}: recipients cannot be read: {e.Message}");
            Removed(message);
            ports.SweepNeeded();
            return;
        }

        await TakeAsync(message, recipients).ConfigureAwait(false);
    }

    /// <summary>Begins with a window of recipients; one that is not full is the last.</summary>
    private async ValueTask TakeAsync(ActiveMessage message, IReadOnlyList<Recipient> recipients)
    {
        bool begins;
        lock (message.Gate)
        {
            message.HasMore = recipients.Count == options.RecipientWindow;
            message.Open = recipients.Count;
            message.Reading = false;
            begins = recipients.Count > 0 && message.Request is null;
            if (begins)
            {
                message.LastNumber = recipients[^1].Number;
            }
            else
            {
                message.Ending = true;
            }
        }

        if (begins && message.Returned is { } returned)
        {
            foreach (var recipient in recipients)
            {
                NotTried(message, recipient, returned, null);
            }
        }
        else if (begins)
        {
            Begin(message, recipients);
        }
        else
        {
            await rounds.EndAsync(message).ConfigureAwait(false);
        }
    }

    private void Defer(List<DeliveryRequest> deliveries, DeliveryStatus reason)
    {
        foreach (var waiting in deliveries)
        {
            if (!IsHalted(waiting))
            {
                foreach (var recipient in waiting.Recipients)
                {
                    Record((ActiveMessage)waiting.Content, null, RecipientDispatcher.ErrorService, recipient, reason, waiting.Nexthop);
                }
            }
        }
    }

    private void NotTried(ActiveMessage message, Recipient recipient, DeliveryStatus status, string? destination) =>
        Record(message, null, RecipientDispatcher.ErrorService, recipient, status, destination);

    private void Record(
        ActiveMessage message, DeliveryRequest? request, string service, Recipient recipient, DeliveryStatus status, string? destination = null)
    {
        var record = deliveryLog.Write(message, request, service, recipient, status);
        bool last;
        bool more;
        lock (message.Gate)
        {
            if (message.Ending)
            {
                return;
            }

            rounds.Add(message, record, recipient, status, destination ?? request?.Nexthop);

            // A round that is broken off ends when its deliveries have, in RequestEnded.
            last = --message.Open == 0 && message.Request is null;
            more = message.HasMore;
            message.Ending = last && !more;
            message.Reading = last && more;
        }

        if (last)
        {
            _ = more ? NextWindowAsync(message) : EndAsync(message);
        }
    }

    private async Task NextWindowAsync(ActiveMessage message)
    {
        rounds.Flush(message);
        await ContinueAsync(message, CancellationToken.None).ConfigureAwait(false);
    }

    private async Task EndAsync(ActiveMessage message)
    {
        try
        {
            await rounds.EndAsync(message).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // As in WatchAsync.
        catch (Exception e)
#pragma warning restore CA1031
        {
            ports.Log.Panic(Tag, $"{message.IdText}: {e}");
            Removed(message);
            ports.SweepNeeded();
        }
    }

    /// <summary>After an agent has returned: what it left without outcome is deferred, and outcomes of a part are written.</summary>
    private void RequestEnded(DeliveryRequest request, bool cancelled)
    {
        if (request.HasUnreported && !cancelled)
        {
            foreach (var recipient in request.Recipients)
            {
                Report(request, recipient, DeliveryStatus.Deferred("4.3.0", "unknown mail transport error"));
            }
        }

        var message = (ActiveMessage)request.Content;
        bool ends;
        lock (message.Gate)
        {
            message.InFlight--;
            ends = message is { Request: not null, InFlight: 0, Reading: false, Ending: false } && !cancelled;
            message.Ending |= ends;
        }

        if (ends)
        {
            _ = EndAsync(message);
        }
        else
        {
            rounds.Flush(message);
        }
    }

    /// <summary>The message has left the active queue.</summary>
    private void Removed(ActiveMessage message)
    {
        if (active.TryRemove(new KeyValuePair<long, ActiveMessage>(message.Envelope.Id.Value, message)))
        {
            Interlocked.Add(ref heldBytes, -message.ReleaseContent());
        }
    }
}
