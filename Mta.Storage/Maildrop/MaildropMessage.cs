using Mta.Core.Queue;

namespace Mta.Storage.Maildrop;

/// <summary>A message in maildrop that pickup has taken, without its content.</summary>
public sealed class MaildropMessage
{
    public required QueueId Id { get; init; }

    public required string Sender { get; init; }

    public required IReadOnlyList<string> Recipients { get; init; }

    public DsnNotify Notify { get; init; }

    public DsnReturn Return { get; init; }

    public string? EnvelopeId { get; init; }

    public EnvelopeFlags Flags { get; init; }

    /// <summary>The user of the operating system who sent it; null for mail made by SQL.</summary>
    public long? UserId { get; init; }

    /// <summary>The database role that handed it in.</summary>
    public required string SubmittedBy { get; init; }

    /// <summary>Bytes as handed in.</summary>
    public long Size { get; init; }

    public int ChunkCount { get; init; }

    /// <summary>How often pickup took it, this time included.</summary>
    public int Attempts { get; init; }
}
