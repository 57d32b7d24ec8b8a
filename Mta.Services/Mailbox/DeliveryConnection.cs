using System.Collections.Concurrent;
using Mta.Services.Clients;
using Mta.Storage;

namespace Mta.Services.Mailbox;

/// <summary>
/// The parent's side of one delivery child. Many deliveries share it. Whatever goes wrong with the child (it dies, talks nonsense,
/// or keeps silent beyond the deadline) ends the connection, and all that waits for it is deferred.
/// </summary>
internal sealed class DeliveryConnection : IAsyncDisposable
{
    // Beyond the time that locks may take: what a slow disk may need for the largest message.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly Stream stream;
    private readonly TimeProvider time;
    private readonly SemaphoreSlim writing = new(1, 1);
    private readonly ConcurrentDictionary<uint, Pending> pending = new();
    private readonly CancellationTokenSource ended = new();
    private readonly Task reading;
    private uint lastId;
    private int isBroken;

    public DeliveryConnection(Stream stream, TimeProvider time)
    {
        this.stream = stream;
        this.time = time;
        Touch();
        reading = ReadAsync();
    }

    public bool IsUsable => Volatile.Read(ref isBroken) == 0;

    public bool IsIdle => pending.IsEmpty;

    /// <summary>When the last delivery began or ended, by <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long LastUse { get; private set; }

    /// <summary>Keeps it from being taken for idle before the delivery that it was chosen for begins.</summary>
    public void Touch() => LastUse = time.GetTimestamp();

    /// <summary>Has the child write one copy. Throws only when cancelled.</summary>
    public async ValueTask<MailboxResult> DeliverAsync(MailboxOrder order, IMessageContent content, CancellationToken cancellationToken)
    {
        var id = Interlocked.Increment(ref lastId);
        var delivery = new Pending();
        pending[id] = delivery;
        Touch();
        using var deadline = new CancellationTokenSource(Deadline(order), time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            if (!IsUsable)
            {
                return Lost("it ended");
            }

            await ExchangeAsync(id, order, content, delivery, stop.Token).ConfigureAwait(false);
            return await delivery.Result.Task.WaitAsync(stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            Break("no answer in time");
            return Lost("no answer in time");
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException)
        {
            Break(failure.Message);
            return Lost(failure.Message);
        }
        finally
        {
            pending.TryRemove(id, out _);
            Touch();
        }
    }

    /// <summary>Ends the child; deliveries under way are deferred. They may still use what is left of it, so nothing else is disposed.</summary>
    public async ValueTask DisposeAsync()
    {
        Break("it was ended");
        await reading.ConfigureAwait(false);
    }

    private static MailboxResult Lost(string why) => new("4.3.0", "delivery process failed: " + why);

    // Each of the two locks may be tried deliver_lock_attempts times.
    private static TimeSpan Deadline(MailboxOrder order) => Patience + (order.LockDelay * order.LockAttempts * 3);

    private async ValueTask ExchangeAsync(uint id, MailboxOrder order, IMessageContent content, Pending delivery, CancellationToken cancellationToken)
    {
        if (content.Length <= DeliveryFrame.InlineContent && content.TryGetBytes(out var bytes))
        {
            await SendAsync(DeliveryFrame.ForOrder(id, order, bytes.Length, bytes), cancellationToken).ConfigureAwait(false);
            return;
        }

        await SendAsync(DeliveryFrame.ForOrder(id, order, content.Length, null), cancellationToken).ConfigureAwait(false);
        await Task.WhenAny(delivery.Ready.Task, delivery.Result.Task).WaitAsync(cancellationToken).ConfigureAwait(false);
        if (!delivery.Result.Task.IsCompleted)
        {
            await SendContentAsync(id, content, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask SendContentAsync(uint id, IMessageContent content, CancellationToken cancellationToken)
    {
        var last = FrameKind.Abort;
        try
        {
            await foreach (var part in content.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                for (var rest = part; !rest.IsEmpty; rest = rest[Math.Min(rest.Length, DeliveryFrame.PartSize)..])
                {
                    var frame = new DeliveryFrame(FrameKind.Content, id, rest[..Math.Min(rest.Length, DeliveryFrame.PartSize)]);
                    await SendAsync(frame, cancellationToken).ConfigureAwait(false);
                }
            }

            last = FrameKind.End;
        }
        catch (StorageException)
        {
            // The child hears of it, undoes what it wrote and answers with a deferral.
        }
        finally
        {
            // Also when cancelled: the child must not wait, with the mailbox locked, for content that never comes.
            await SendAsync(new DeliveryFrame(last, id, default), ended.Token).ConfigureAwait(false);
        }
    }

    private async ValueTask SendAsync(DeliveryFrame frame, CancellationToken cancellationToken)
    {
        await writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // Not cancelled half-way by one delivery's end: the frames of all the others follow on the same stream.
            await frame.WriteAsync(stream, ended.Token).AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            throw new IOException("it ended");
        }
        catch (OperationCanceledException)
        {
            Break("a request could not be written");
            throw;
        }
        finally
        {
            writing.Release();
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await DeliveryFrame.ReadAsync(stream, ended.Token).ConfigureAwait(false) is { } frame)
            {
                // An answer to a delivery that was given up finds nobody.
                if (!pending.TryGetValue(frame.Id, out var delivery))
                {
                    continue;
                }

                switch (frame.Kind)
                {
                    case FrameKind.Ready:
                        delivery.Ready.TrySetResult();
                        break;
                    case FrameKind.Done:
                        delivery.Result.TrySetResult(frame.ReadResult());
                        break;
                    default:
                        throw new IOException("malformed answer");
                }
            }

            Break("it ended");
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException or OperationCanceledException)
        {
            Break(failure.Message);
        }
    }

    private void Break(string why)
    {
        if (Interlocked.Exchange(ref isBroken, 1) == 0)
        {
            ended.Cancel();
            stream.Dispose();
        }

        foreach (var (_, delivery) in pending)
        {
            delivery.Result.TrySetResult(Lost(why));
        }
    }

    private sealed class Pending
    {
        public TaskCompletionSource Ready { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<MailboxResult> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
