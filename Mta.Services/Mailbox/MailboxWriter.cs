using Mta.Services.Clients;

namespace Mta.Services.Mailbox;

/// <summary>
/// Writes messages into maildirs and mbox files as the user that this process runs as. Before it answers that a copy is delivered,
/// the copy and its name are on the disk; in every other case nothing of it is left.
/// </summary>
public sealed class MailboxWriter(TimeProvider time)
{
    // fsync dominates: enough in flight that the file system commits them in groups, few enough for a small machine.
    private const int Threads = 16;

    private readonly BlockingThreads threads = new(Threads);
    private readonly MailboxGate gate = new();

    /// <summary>Writes one copy. Throws only when cancelled.</summary>
    public async ValueTask<MailboxResult> WriteAsync(MailboxOrder order, IMessageContent content, CancellationToken cancellationToken)
    {
        try
        {
            if (order.IsMaildir)
            {
                var work = (Order: order, Content: content, Now: time.GetUtcNow(), Token: cancellationToken);
                return await threads.RunAsync(work, static w => WriteMaildir(w.Order, w.Content, w.Now, w.Token)).ConfigureAwait(false);
            }

            await gate.EnterAsync(order.Path, cancellationToken).ConfigureAwait(false);
            try
            {
                return await WriteMboxAsync(order, content, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                gate.Leave(order.Path);
            }
        }
        catch (MailboxFailure failure)
        {
            return new MailboxResult(failure.Dsn, failure.Message, failure.Hint);
        }
    }

    // Caught here already, on the thread that has it: exceptions that cross tasks are dear.
    private static MailboxResult WriteMaildir(MailboxOrder order, IMessageContent content, DateTimeOffset now, CancellationToken cancellationToken)
    {
        try
        {
            MaildirWriter.Write(order, content, now, cancellationToken);
            return MailboxResult.Delivered;
        }
        catch (MailboxFailure failure)
        {
            return new MailboxResult(failure.Dsn, failure.Message, failure.Hint);
        }
    }

    private async ValueTask<MailboxResult> WriteMboxAsync(MailboxOrder order, IMessageContent content, CancellationToken cancellationToken)
    {
        var delivery = new MboxDelivery(order, content, time);
        try
        {
            var work = (Delivery: delivery, Token: cancellationToken);
            for (var attempt = 1; !await threads.RunAsync(work, static w => w.Delivery.Advance(w.Token)).ConfigureAwait(false); attempt++)
            {
                if (attempt >= order.LockAttempts)
                {
                    throw delivery.Obstacle;
                }

                await Task.Delay(Jitter(order.LockDelay), time, cancellationToken).ConfigureAwait(false);
            }

            return MailboxResult.Delivered;
        }
        finally
        {
            await threads.RunAsync(delivery, static d => Release(d)).ConfigureAwait(false);
        }
    }

    private static bool Release(MboxDelivery delivery)
    {
        delivery.Dispose();
        return true;
    }

    // Around the delay, so that those who wait for the same mailbox do not keep in step.
    private static TimeSpan Jitter(TimeSpan delay) => delay * (0.75 + (Random.Shared.NextDouble() / 2));
}
