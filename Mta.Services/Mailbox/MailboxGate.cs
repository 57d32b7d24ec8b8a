namespace Mta.Services.Mailbox;

/// <summary>
/// Lets the deliveries of this process into one mbox follow each other at once. The locks on disk are polled with
/// deliver_lock_delay between attempts, and so would serve our own deliveries one a second.
/// </summary>
internal sealed class MailboxGate
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Queue<TaskCompletionSource>> held = new(StringComparer.Ordinal);

    /// <summary>Waits for the turn; <see cref="Leave"/> gives it on.</summary>
    public async ValueTask EnterAsync(string path, CancellationToken cancellationToken)
    {
        TaskCompletionSource turn;
        lock (gate)
        {
            if (!held.TryGetValue(path, out var queue))
            {
                held.Add(path, new Queue<TaskCompletionSource>());
                return;
            }

            turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            queue.Enqueue(turn);
        }

        var registration = cancellationToken.UnsafeRegister(static (t, c) => ((TaskCompletionSource)t!).TrySetCanceled(c), turn);
        await using (registration.ConfigureAwait(false))
        {
            await turn.Task.ConfigureAwait(false);
        }
    }

    public void Leave(string path)
    {
        lock (gate)
        {
            var queue = held[path];
            while (queue.TryDequeue(out var next))
            {
                // False: that one was cancelled while it waited.
                if (next.TrySetResult())
                {
                    return;
                }
            }

            held.Remove(path);
        }
    }
}
