using Mta.Core.Queue;

namespace Mta.Storage.Showq;

/// <summary>A message in any queue, as an administrator looks at it.</summary>
/// <param name="Queue"><c>maildrop</c>, <c>active</c>, <c>incoming</c>, <c>deferred</c>, <c>hold</c> or <c>corrupt</c>.</param>
public sealed record StoredMessage(string Queue, Envelope Envelope, int ChunkCount);
