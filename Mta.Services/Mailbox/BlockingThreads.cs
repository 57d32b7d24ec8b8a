namespace Mta.Services.Mailbox;

/// <summary>
/// Threads for file I/O that blocks (fsync above all), apart from the pool's, so that a slow disk never holds up the sockets.
/// They start when needed, up to a bound, and end when idle.
/// </summary>
internal sealed class BlockingThreads(int limit)
{
    // Long enough to live through pauses of a busy node, short enough not to keep stacks for nothing.
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(30);

    private readonly object gate = new();
    private readonly Queue<Work> waiting = new();
    private int threads;
    private int idle;

    /// <summary>Runs <paramref name="action"/> on one of the threads.</summary>
    public Task<TResult> RunAsync<TState, TResult>(TState state, Func<TState, TResult> action)
    {
        var work = new Work<TState, TResult>(state, action);
        lock (gate)
        {
            waiting.Enqueue(work);
            if (idle >= waiting.Count)
            {
                Monitor.Pulse(gate);
            }
            else if (threads < limit)
            {
                threads++;
                new Thread(Loop, maxStackSize: 256 * 1024) { IsBackground = true, Name = "mailbox" }.Start();
            }
        }

        return work.Task;
    }

    private void Loop()
    {
        while (Next() is { } work)
        {
            work.Execute();
        }
    }

    private Work? Next()
    {
        lock (gate)
        {
            while (waiting.Count == 0)
            {
                idle++;
                var pulsed = Monitor.Wait(gate, Idle);
                idle--;
                if (!pulsed && waiting.Count == 0)
                {
                    threads--;
                    return null;
                }
            }

            return waiting.Dequeue();
        }
    }

    private abstract class Work
    {
        public abstract void Execute();
    }

    private sealed class Work<TState, TResult>(TState state, Func<TState, TResult> action) : Work
    {
        private readonly TaskCompletionSource<TResult> completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<TResult> Task => completion.Task;

        public override void Execute()
        {
            try
            {
                completion.SetResult(action(state));
            }
            catch (OperationCanceledException cancelled)
            {
                completion.SetCanceled(cancelled.CancellationToken);
            }
            catch (Exception failure)
            {
                completion.SetException(failure);
            }
        }
    }
}
