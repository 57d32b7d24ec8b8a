using Mta.Services.Clients;
using Mta.Storage;

namespace Mta.Services.Mailbox;

/// <summary>Walks through a message's content on a thread that may block, which file I/O needs anyway.</summary>
internal readonly struct ContentReader(IMessageContent content)
{
    /// <summary>Takes one part of the content.</summary>
    public interface ISink
    {
        void Write(ReadOnlySpan<byte> part);
    }

    public void CopyTo<TSink>(TSink sink, CancellationToken cancellationToken)
        where TSink : ISink
    {
        if (content.TryGetBytes(out var bytes))
        {
            sink.Write(bytes.Span);
            return;
        }

        try
        {
            var parts = content.ReadAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
            try
            {
                while (Wait(parts.MoveNextAsync()))
                {
                    sink.Write(parts.Current.Span);
                }
            }
            finally
            {
                var disposal = parts.DisposeAsync();
                if (!disposal.IsCompletedSuccessfully)
                {
                    disposal.AsTask().GetAwaiter().GetResult();
                }
            }
        }
        catch (Exception failure) when (failure is StorageException or IOException)
        {
            throw new MailboxFailure("4.3.0", "error reading message: " + failure.Message);
        }
    }

    private static bool Wait(ValueTask<bool> next) => next.IsCompletedSuccessfully ? next.Result : next.AsTask().GetAwaiter().GetResult();
}
