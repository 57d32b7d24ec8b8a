using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Storage.History;
using Mta.Storage.Maildrop;

namespace Mta.Services.Pickup;

/// <summary>What pickup works with.</summary>
public sealed class PickupPorts
{
    public required MaildropStore Store { get; init; }

    /// <summary>Hands files of the spool directory in; its connections work as the daemon role.</summary>
    public required MaildropWriter Writer { get; init; }

    public required ICleanup Cleanup { get; init; }

    public required INotifications Notifications { get; init; }

    /// <summary>Makes the queue id of a notification.</summary>
    public required Func<QueueId> NextId { get; init; }

    public required MailLog Log { get; init; }

    /// <summary>Takes refused content for the history; null when there is none.</summary>
    public RejectHistory? Rejects { get; init; }

    /// <summary>Takes what is returned for the history; null when there is none.</summary>
    public ReturnStore? Returns { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
