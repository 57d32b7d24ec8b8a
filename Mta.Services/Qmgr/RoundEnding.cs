using Mta.Core.Addresses;
using Mta.Core.Delivery;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Storage.Nodes;
using Mta.Storage.Queue;

namespace Mta.Services.Qmgr;

/// <summary>
/// Collects the outcomes of a round and, after the last one, decides what becomes of the message: gone, deferred, or returned with one
/// notification for all its failures, enqueued in the same transaction.
/// </summary>
internal sealed class RoundEnding(
    QueueManagerPorts ports, Func<QueueManagerOptions> options, Action<ActiveMessage> removed, Action<NewMessage, PooledContent?, NodeEpoch> activate)
{
    private const string Tag = "qmgr";

    /// <summary>Adds an outcome, under the message's lock. A bounced recipient's row goes with the notification, at the end.</summary>
    public void Add(ActiveMessage message, DeliveryRecord record, Recipient recipient, DeliveryStatus status, string? destination)
    {
        message.Unwritten.Add(record);
        switch (status.Action)
        {
            case DeliveryAction.Bounced:
                (message.Bounced ??= []).Add(new RecipientOutcome(recipient, status));
                break;
            case DeliveryAction.Deferred:
                (message.Deferred ??= []).Add(new RecipientOutcome(recipient, status));
                message.DeferredDestination ??= destination ?? Domain(recipient.Address);
                break;
            default:
                if ((recipient.Notify & DsnNotify.Success) != 0 && !status.DsnPassedOn)
                {
                    (message.Succeeded ??= []).Add(new RecipientOutcome(recipient, status));
                }

                break;
        }
    }

    /// <summary>Posts the finished recipients of a round that goes on, so that a crash repeats only those in flight.</summary>
    public void Flush(ActiveMessage message)
    {
        List<DeliveryRecord>? done = null;
        lock (message.Gate)
        {
            // What bounced or was deferred waits for the end of the round: it decides about the whole message.
            if (message is { Unwritten.Count: > 0 } && (message.Open > 0 || message.HasMore))
            {
                done = message.Unwritten.FindAll(IsDone);
                message.Unwritten.RemoveAll(IsDone);
            }
        }

        if (done is { Count: > 0 })
        {
            ports.Completions.Post(new RoundPart
            {
                Epoch = message.Epoch,
                MessageId = message.Envelope.Id.Value,
                Sender = message.Envelope.Sender,
                Size = message.Envelope.Size,
                Records = done,
                End = RoundEnd.Continues,
            });
        }
    }

    /// <summary>Ends the round: posts the one transaction that decides about the message.</summary>
    public async ValueTask EndAsync(ActiveMessage message)
    {
        if (message.Request is { } request && (message.Open > 0 || message.HasMore || message.Deferred is { Count: > 0 }))
        {
            await BreakOffAsync(message, request).ConfigureAwait(false);
            return;
        }

        var age = ports.Time.GetUtcNow() - message.Envelope.Id.Time;
        if (message.Deferred is { Count: > 0 } late
            && (options().Retry.IsExpired(age, message.Envelope.Sender.Length == 0) || message.ForceExpire))
        {
            Expire(message, late);
        }

        var warns = message.Deferred is { Count: > 0 } && options().Retry.IsWarningDue(age, message.Warned);
        var (notifications, warned) = message.Bounced is null && message.Succeeded is null && !warns
            ? ([], false)
            : await NotifyAsync(message, warns).ConfigureAwait(false);
        ports.Completions.Post(new RoundCompletion(this, message)
        {
            Epoch = message.Epoch,
            MessageId = message.Envelope.Id.Value,
            Sender = message.Envelope.Sender,
            Size = message.Envelope.Size,
            Records = message.Unwritten,
            End = message.Deferred is { Count: > 0 } ? RoundEnd.Deferred : RoundEnd.Finished,
            Destination = message.DeferredDestination?.ToLowerInvariant() ?? "",
            DueSeconds = options().Retry.NextDelay(age, Random.Shared.NextDouble()).TotalSeconds,
            Warned = warned,
            Notifications = notifications,
        });
    }

    /// <summary>An administrator's request is done in the transaction that writes away what was delivered before it.</summary>
    private async ValueTask BreakOffAsync(ActiveMessage message, RequestedAction request)
    {
        // Of a deleted message nobody is told anything more.
        var (notifications, _) = request == RequestedAction.Delete || (message.Bounced is null && message.Succeeded is null)
            ? ([], false)
            : await NotifyAsync(message, warns: false).ConfigureAwait(false);
        ports.Completions.Post(new RoundCompletion(this, message)
        {
            Epoch = message.Epoch,
            MessageId = message.Envelope.Id.Value,
            Sender = message.Envelope.Sender,
            Size = message.Envelope.Size,
            Records = message.Unwritten,
            End = RoundEnd.Requested,
            Notifications = notifications,
        });
    }

    private static bool IsDone(DeliveryRecord record) => record.Action is DeliveryAction.Sent or DeliveryAction.Expanded or DeliveryAction.Relayed;

    /// <summary>The message is too old: what was deferred is returned with its last reasons.</summary>
    private void Expire(ActiveMessage message, List<RecipientOutcome> late)
    {
        var word = message.ForceExpire ? "force-expired" : "expired";
        ports.Log.Info(Tag, $"{message.IdText}: from=<{AddressQuoting.ToExternal(message.Envelope.Sender)}>, status={word}, returned to sender");
        message.Unwritten = message.Unwritten.ConvertAll(r => r.Action == DeliveryAction.Deferred ? r with { Action = DeliveryAction.Expired } : r);
        (message.Bounced ??= []).AddRange(late);
        message.Deferred = null;
    }

    /// <summary>The sender cannot be told of failures now: they wait, and are tried again with the rest.</summary>
    private void PutOff(ActiveMessage message)
    {
        var failed = message.Bounced!;
        ports.Log.Info(Tag, $"{message.IdText}: status=deferred (bounce failed)");
        message.Unwritten = message.Unwritten.ConvertAll(r => r.Action switch
        {
            DeliveryAction.Bounced => r with { Waits = true },
            DeliveryAction.Expired => r with { Action = DeliveryAction.Deferred },
            _ => r,
        });
        (message.Deferred ??= []).AddRange(failed);
        message.DeferredDestination ??= Domain(failed[0].Recipient.Address);
        message.Bounced = null;
    }

    /// <summary>Builds what is to be told, and says whether that has a warning of the delay.</summary>
    private async ValueTask<(IReadOnlyList<NewMessage> Built, bool Warned)> NotifyAsync(ActiveMessage message, bool warns)
    {
        var built = new List<NewMessage>(1);
        if (!await AddAsync(NotificationKind.NonDelivery, message.Bounced).ConfigureAwait(false))
        {
            PutOff(message);
        }

        var warned = warns && await AddAsync(NotificationKind.Delay, message.Deferred).ConfigureAwait(false);
        await AddAsync(NotificationKind.Success, message.Succeeded).ConfigureAwait(false);
        return (built, warned);

        async ValueTask<bool> AddAsync(NotificationKind kind, List<RecipientOutcome>? outcomes)
        {
            if (outcomes is not { Count: > 0 })
            {
                return true;
            }

            var notification = await ports.Notifications()
                .BuildAsync(kind, message.Envelope, message, outcomes, ports.NextId, CancellationToken.None).ConfigureAwait(false);
            if (notification.Message is { } report)
            {
                built.Add(report);
                message.NotificationKinds.Add(kind);
            }

            return !notification.IsFailed;
        }
    }

    private void Committed(ActiveMessage message, RoundEnd end, IReadOnlyList<NewMessage> notifications, bool stale)
    {
        if (!stale)
        {
            for (var i = 0; i < notifications.Count; i++)
            {
                var what = message.NotificationKinds[i] switch
                {
                    NotificationKind.NonDelivery => "sender non-delivery notification",
                    NotificationKind.Delay => "sender delay notification",
                    _ => "sender delivery status notification",
                };
                ports.Log.Info("cleanup", $"{notifications[i].Envelope.Id}: message-id={notifications[i].Envelope.MessageId}");
                ports.Log.Info("bounce", $"{message.IdText}: {what}: {notifications[i].Envelope.Id}");
            }

            if (end == RoundEnd.Finished)
            {
                ports.Log.Info(Tag, $"{message.IdText}: removed");
            }
            else if (end == RoundEnd.Requested)
            {
                ports.Log.Info(message.Request == RequestedAction.HandBack ? Tag : "postsuper", $"{message.IdText}: {RequestLog.Word(message.Request)}");
            }
        }

        removed(message);
        if (!stale)
        {
            foreach (var notification in notifications)
            {
                if (notification.Owned)
                {
                    activate(notification, null, message.Epoch);
                }
            }
        }
    }

    private static string Domain(string address) => address[(address.LastIndexOf('@') + 1)..];

    private sealed class RoundCompletion(RoundEnding rounds, ActiveMessage message) : Completion
    {
        public override void Committed(bool stale) => rounds.Committed(message, End, Notifications, stale);
    }

    private sealed class RoundPart : Completion
    {
        public override void Committed(bool stale)
        {
            // The rest of the round tells what became of the message.
        }
    }
}
