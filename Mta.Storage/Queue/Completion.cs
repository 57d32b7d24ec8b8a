using Mta.Core.Delivery;
using Mta.Storage.Nodes;

namespace Mta.Storage.Queue;

/// <summary>The outcome of one recipient in one attempt, as the history keeps it. Delays are in seconds.</summary>
/// <param name="Waits">It failed for ever and its sender cannot be told now: the recipient stays until then.</param>
public sealed record DeliveryRecord(
    int RecipientNumber,
    DeliveryAction Action,
    string Recipient,
    string? Original,
    string Transport,
    string Relay,
    string Dsn,
    string Reason,
    float DelayBeforeQueue,
    float DelayInQueue,
    float DelayConnection,
    float DelayTransmission,
    bool Waits = false)
{
    /// <summary>True when the recipient is done with and its row goes.</summary>
    public bool IsFinal => Action != DeliveryAction.Deferred && !Waits;
}

/// <summary>What happens to the message itself when its outcomes are written.</summary>
public enum RoundEnd
{
    /// <summary>The round goes on: other recipients are still being tried.</summary>
    Continues,
    /// <summary>No recipient is left: the message goes.</summary>
    Finished,
    /// <summary>Recipients are left for a later attempt.</summary>
    Deferred,
    /// <summary>Recipients are left, for which the round was broken off because of an administrator's request: it is done now.</summary>
    Requested,
}

/// <summary>A group of outcomes of one message, written in one transaction with what they mean for the message.</summary>
public abstract class Completion
{
    /// <summary>The epoch under which the node took charge of the message: results of an ended one change nothing.</summary>
    public required NodeEpoch Epoch { get; init; }

    public required long MessageId { get; init; }

    public required string Sender { get; init; }

    public required long Size { get; init; }

    public required IReadOnlyList<DeliveryRecord> Records { get; init; }

    public required RoundEnd End { get; init; }

    /// <summary>With <see cref="RoundEnd.Deferred"/>: the destination that the message waits for.</summary>
    public string Destination { get; init; } = "";

    /// <summary>With <see cref="RoundEnd.Deferred"/>: seconds until the next attempt, by the database's clock.</summary>
    public double DueSeconds { get; init; }

    /// <summary>With <see cref="RoundEnd.Deferred"/>: the sender has been warned of the delay.</summary>
    public bool Warned { get; init; }

    /// <summary>Enqueued in the same transaction.</summary>
    public IReadOnlyList<NewMessage> Notifications { get; init; } = [];

    /// <summary>Called once, after the COMMIT. A stale one changed nothing: the epoch had ended, another node has the message.</summary>
    public abstract void Committed(bool stale);
}
