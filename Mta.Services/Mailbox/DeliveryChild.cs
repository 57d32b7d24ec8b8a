using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Mta.Services.Mailbox;

/// <summary>
/// delivery child - writes mailboxes as the user that owns them
///
/// The privileged process starts it with the user's and group's id already taken and no way back. It takes orders from a stream,
/// many at a time, writes each as <see cref="MailboxWriter"/> does and answers with the result. The mail stays the parent's
/// responsibility until it has the answer: when this process dies, the parent defers.
///
/// Ends when the stream ends. Deliveries under way are then undone: nobody would hear of their success.
/// </summary>
public sealed class DeliveryChild : IDisposable
{
    private readonly Stream stream;
    private readonly MailboxWriter writer;
    private readonly ConcurrentDictionary<uint, ArrivingContent> arriving = new();
    private readonly ConcurrentDictionary<uint, Task> deliveries = new();
    private readonly SemaphoreSlim writing = new(1, 1);
    private readonly CancellationTokenSource ending = new();
    private Exception? failure;

    private DeliveryChild(Stream stream, TimeProvider time)
    {
        this.stream = stream;
        writer = new MailboxWriter(time);
    }

    /// <summary>Serves until the stream ends. Throws <see cref="IOException"/> when it breaks or carries what is no request.</summary>
    public static async Task RunAsync(Stream stream, TimeProvider time, CancellationToken cancellationToken)
    {
        using var child = new DeliveryChild(stream, time);
        await child.RunAsync(cancellationToken).ConfigureAwait(false);
    }

    public void Dispose()
    {
        writing.Dispose();
        ending.Dispose();
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        var registration = cancellationToken.UnsafeRegister(static e => ((CancellationTokenSource)e!).Cancel(), ending);
        try
        {
            while (await DeliveryFrame.ReadAsync(stream, ending.Token).ConfigureAwait(false) is { } frame)
            {
                if (frame.Kind == FrameKind.Deliver)
                {
                    Begin(frame);
                }
                else
                {
                    await TakeContentAsync(frame, ending.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (failure is not null)
        {
            // A delivery ended the service; its reason is thrown below.
        }
        finally
        {
            await registration.DisposeAsync().ConfigureAwait(false);
            await ending.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(deliveries.Values).ConfigureAwait(false);
        }

        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    private void Begin(in DeliveryFrame frame)
    {
        var id = frame.Id;
        var (order, length, inline) = frame.ReadOrder();
        var content = new ArrivingContent(length, inline, token => SendAsync(new DeliveryFrame(FrameKind.Ready, id, default), token));
        if (inline is null)
        {
            arriving[id] = content;
        }

        var delivery = DeliverAsync(id, order, content);
        deliveries[id] = delivery;
        if (delivery.IsCompleted)
        {
            deliveries.TryRemove(id, out _);
        }
    }

    private async Task DeliverAsync(uint id, MailboxOrder order, ArrivingContent content)
    {
        try
        {
            var result = order.Uid == Libc.EffectiveUid
                ? await writer.WriteAsync(order, content, ending.Token).ConfigureAwait(false)
                : new MailboxResult("4.3.0", $"delivery process of user id {Libc.EffectiveUid} got mail for user id {order.Uid}");
            if (arriving.TryRemove(id, out _))
            {
                content.Close();
            }

            await SendAsync(DeliveryFrame.ForResult(id, result), ending.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The service ends; the parent knows that there will be no answer.
        }
        catch (Exception thrown)
        {
            // The stream broke, or it is a bug of ours: without an answer to this one, there is to be none to any.
            Interlocked.CompareExchange(ref failure, thrown, null);
            await ending.CancelAsync().ConfigureAwait(false);
        }
        finally
        {
            deliveries.TryRemove(id, out _);
        }
    }

    // Parts of a delivery that has already failed are let go by.
    private async ValueTask TakeContentAsync(DeliveryFrame frame, CancellationToken cancellationToken)
    {
        if (!arriving.TryGetValue(frame.Id, out var content))
        {
            return;
        }

        switch (frame.Kind)
        {
            case FrameKind.Content:
                await content.AddAsync(frame.Payload, cancellationToken).ConfigureAwait(false);
                break;
            case FrameKind.End:
                content.Complete();
                break;
            case FrameKind.Abort:
                content.Fail();
                break;
            default:
                throw new IOException("malformed frame");
        }
    }

    private async ValueTask SendAsync(DeliveryFrame frame, CancellationToken cancellationToken)
    {
        await writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await frame.WriteAsync(stream, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            writing.Release();
        }
    }
}
