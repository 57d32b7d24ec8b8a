using System.Buffers;

namespace Mta.Core.Showq;

/// <summary>Writes a listing of the queue in one form. A message is followed by its recipients; the end is told.</summary>
public interface IQueueListing
{
    void Message(in ListedMessage message, IBufferWriter<byte> output);

    /// <param name="address">In internal form.</param>
    /// <param name="original">The address before rewriting, where it is known and differs.</param>
    /// <param name="reason">Why the last attempt failed; null when there was none.</param>
    /// <param name="output">Takes the bytes.</param>
    void Recipient(string address, string? original, string? reason, IBufferWriter<byte> output);

    void End(IBufferWriter<byte> output);
}
