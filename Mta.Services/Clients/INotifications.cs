using Mta.Core.Delivery;
using Mta.Core.Queue;
using Mta.Storage.Queue;

namespace Mta.Services.Clients;

/// <summary>A recipient and what became of it.</summary>
public readonly record struct RecipientOutcome(Recipient Recipient, DeliveryStatus Status);

public enum NotificationKind : byte
{
    /// <summary>Non-delivery report (RFC 3464), to the sender.</summary>
    NonDelivery,
    /// <summary>Delay warning, to the sender.</summary>
    Delay,
    /// <summary>Success report (NOTIFY=SUCCESS).</summary>
    Success,
}

/// <summary>A notification, ready to be enqueued.</summary>
/// <param name="Message">Null when nobody is to be told (null sender, NOTIFY=NEVER).</param>
/// <param name="IsFailed">Checks refuse it, or their tables cannot answer: there is none now, and the message has to wait for it.</param>
public readonly record struct Notification(NewMessage? Message, bool IsFailed = false);

/// <summary>What bounce(8) does: builds the notification of one message for all its outcomes.</summary>
public interface INotifications
{
    /// <summary>
    /// The notification, to be enqueued in the transaction that ends the round (its log line written by the caller after COMMIT).
    /// <paramref name="nextId"/> makes its queue id.
    /// </summary>
    ValueTask<Notification> BuildAsync(
        NotificationKind kind,
        Envelope envelope,
        IMessageContent content,
        IReadOnlyList<RecipientOutcome> outcomes,
        Func<QueueId> nextId,
        CancellationToken cancellationToken);
}
