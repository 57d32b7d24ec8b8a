using System.Runtime.ExceptionServices;
using Mta.Core.Delivery;
using Mta.Core.Queue;
using Mta.Services.Clients;

namespace Mta.Services.Mailbox;

/// <summary>Delivers to the recipients of one request, several at a time, and reports them one by one in their order.</summary>
internal static class RecipientWindow
{
    // So that one message for many does not wait for each fsync in turn. Content that is read from the store is read by one at a time.
    private const int Width = 8;

    /// <summary>Tries every recipient once. A bug of ours in one does not take the others' outcome: it is thrown after all were tried.</summary>
    public static async ValueTask RunAsync(
        DeliveryRequest request, Func<DeliveryRequest, Recipient, CancellationToken, ValueTask<DeliveryStatus>> deliver, CancellationToken cancellationToken)
    {
        var width = request.Content.TryGetBytes(out _) ? Width : 1;
        var pending = new Queue<(Recipient Recipient, Task<DeliveryStatus> Status)>(Math.Min(width, request.Recipients.Count));
        Exception? thrown = null;
        var next = 0;
        while (next < request.Recipients.Count || pending.Count > 0)
        {
            if (pending.Count < width && next < request.Recipients.Count && !cancellationToken.IsCancellationRequested)
            {
                var recipient = request.Recipients[next++];
                pending.Enqueue((recipient, deliver(request, recipient, cancellationToken).AsTask()));
                continue;
            }

            if (pending.Count == 0)
            {
                break;
            }

            var (oldest, status) = pending.Dequeue();
            try
            {
                request.Report(oldest, await status.ConfigureAwait(false));
            }
            catch (Exception failure)
            {
                thrown ??= failure;
            }
        }

        if (thrown is not null)
        {
            ExceptionDispatchInfo.Throw(thrown);
        }

        cancellationToken.ThrowIfCancellationRequested();
    }
}
