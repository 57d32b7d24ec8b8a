using System.Threading.Channels;
using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Queue;

/// <summary>
/// Writes the outcomes of deliveries, many in one transaction. What cannot be written because the database is away is kept and written
/// later; the rows still name our epoch then, or the results are stale.
/// </summary>
public sealed class CompletionCombiner : IAsyncDisposable
{
    private const int BatchCompletions = 500;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    // One line a writer, and all of a message's completions in one line: the end of a round must not overtake a part of it.
    private readonly Channel<Completion>[] lines;
    private readonly DatabasePool source;
    private readonly Action<string> warn;
    private readonly CancellationTokenSource stopping = new();
    private readonly Task[] writers;

    /// <param name="warn">Takes what an administrator should know: failures that are tried again, possible duplicates.</param>
    public CompletionCombiner(DatabasePool source, int writerCount, Action<string> warn)
    {
        this.source = source;
        this.warn = warn;
        lines = new Channel<Completion>[writerCount];
        writers = new Task[writerCount];
        for (var i = 0; i < writers.Length; i++)
        {
            var line = lines[i] = Channel.CreateUnbounded<Completion>(new UnboundedChannelOptions { SingleReader = false });
            writers[i] = Task.Run(() => WriteAsync(line.Reader));
        }
    }

    /// <summary>
    /// How long a writer lets results gather after the first one. Nobody waits for them, and fewer commits cost less; what a crash repeats
    /// is bounded by it.
    /// </summary>
    public TimeSpan GatherTime { get; init; } = TimeSpan.FromMilliseconds(25);

    /// <summary>
    /// How long a commit may take before its connection is broken off (a server that has vanished without a word) and the results are written
    /// again on another; those that the old commit wrote after all are found in the history.
    /// </summary>
    public TimeSpan CommitLimit { get; init; } = TimeSpan.FromSeconds(30);

    public void Post(Completion completion) =>
        lines[(uint)completion.MessageId.GetHashCode() % (uint)lines.Length].Writer.TryWrite(completion);

    /// <summary>Writes what is waiting, as far as the database lets it before the limit.</summary>
    public async ValueTask StopAsync(TimeSpan limit)
    {
        foreach (var line in lines)
        {
            line.Writer.TryComplete();
        }

        stopping.CancelAfter(limit);
        await Task.WhenAll(writers).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero).ConfigureAwait(false);
        stopping.Dispose();
    }

    private async Task WriteAsync(ChannelReader<Completion> waiting)
    {
        await using var writer = new CompletionWriter(source, () => CommitLimit);
        var batch = new List<Completion>();
        while (await waiting.WaitToReadAsync().ConfigureAwait(false))
        {
            if (!waiting.Completion.IsCompleted && waiting.Count < BatchCompletions)
            {
                await Task.Delay(GatherTime, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            batch.Clear();
            while (batch.Count < BatchCompletions && waiting.TryPeek(out var next) && (batch.Count == 0 || ReferenceEquals(next.Epoch, batch[0].Epoch)))
            {
                waiting.TryRead(out _);
                batch.Add(next);
            }

            await WriteAsync(writer, batch).ConfigureAwait(false);
        }
    }

    private async ValueTask WriteAsync(CompletionWriter writer, List<Completion> batch)
    {
        var unknown = false;
        var reported = false;
        while (batch.Count > 0)
        {
            var epoch = batch[0].Epoch;
            try
            {
                var stale = await writer.WriteAsync(batch, epoch, unknown, stopping.Token).ConfigureAwait(false);
                if (stale > 0)
                {
                    warn($"{stale} delivery results came too late: another node may deliver these recipients again (possible duplicates)");
                }

                foreach (var completion in batch)
                {
                    completion.Committed(stale > 0);
                }

                return;
            }
            catch (Exception e) when (StorageErrors.IsDataError(e))
            {
                // The writer has found the bad one alone already and could not store it even with its text reduced.
                warn($"delivery results of message {batch[0].MessageId} cannot be stored: {e.Message}");
                return;
            }
            catch (Exception e) when (StorageErrors.IsDatabaseFailure(e) || e is OperationCanceledException)
            {
                unknown |= !StorageErrors.IsCertainlyRolledBack(e);
                if (!reported)
                {
                    warn($"delivery results wait to be written: {e.Message}");
                    reported = true;
                }

                if (stopping.IsCancellationRequested)
                {
                    return;
                }

                await Task.Delay(RetryDelay, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
