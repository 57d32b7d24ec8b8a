using System.Threading.Channels;
using Mta.Storage.Connections;
using Mta.Storage.Nodes;
using Npgsql;

namespace Mta.Storage.Queue;

/// <summary>What became of one message given to the combiner.</summary>
public enum AcceptOutcome
{
    /// <summary>Committed; the message is ours to deliver, or any node's.</summary>
    Stored,
    /// <summary>Nothing was stored; try again later (451).</summary>
    NotStored,
    /// <summary>The data cannot be stored whatever one tries.</summary>
    Refused,
    /// <summary>The database has no room (452).</summary>
    NoSpace,
    /// <summary>The epoch has ended; nothing was stored.</summary>
    EpochEnded,
    /// <summary>The fate of the COMMIT is open: never answer 250; a row that turns up is delivered.</summary>
    Unknown,
}

/// <param name="Reason">Why it was not stored, for the log; null when it was.</param>
/// <param name="Epoch">The epoch that owns it, when it was stored with an owner.</param>
public readonly record struct AcceptResult(AcceptOutcome Outcome, string? Reason = null, NodeEpoch? Epoch = null)
{
    /// <summary>A connection that was given up may still be sending the content: its memory must not be used for anything else.</summary>
    public bool ContentInUse { get; init; }
}

/// <summary>
/// Commits finished messages of all sessions with a few writers. A writer takes all that waits, does one round trip and one commit, and
/// then answers each session. There is no timer: the batch grows while the previous commit runs.
/// </summary>
public sealed class AcceptCombiner : IAsyncDisposable
{
    /// <summary>Messages in one commit: more gains nothing, and bounds what one unknown commit leaves open.</summary>
    private const int BatchMessages = 200;

    private const int BatchBytes = 8 * 1024 * 1024;

    private readonly Channel<Waiting> waiting = Channel.CreateUnbounded<Waiting>(new UnboundedChannelOptions { SingleReader = false });
    private readonly Func<NodeEpoch> currentEpoch;
    private readonly DatabasePool source;
    private readonly CommitSettler settler;
    private readonly CancellationTokenSource stopping = new();
    private readonly Task[] writers;

    /// <param name="source">Connections without a command timeout.</param>
    /// <param name="currentEpoch">The epoch that new messages are owned by.</param>
    public AcceptCombiner(DatabasePool source, Func<NodeEpoch> currentEpoch, int writerCount)
    {
        this.source = source;
        this.currentEpoch = currentEpoch;
        settler = new CommitSettler(source, () => CommitLimit);
        writers = new Task[writerCount];
        for (var i = 0; i < writers.Length; i++)
        {
            writers[i] = Task.Run(WriteAsync);
        }
    }

    /// <summary>How long a COMMIT may take before its connection is broken off and its fate is settled on another one.</summary>
    public TimeSpan CommitLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long sessions wait for the settling of an unknown commit before they are told 451.</summary>
    public TimeSpan SettleLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Completes when the fate of the message is known, or has stayed open for too long. Never throws.</summary>
    public Task<AcceptResult> StoreAsync(NewMessage message)
    {
        var entry = new Waiting(message);
        return waiting.Writer.TryWrite(entry) ? entry.Task : Task.FromResult(new AcceptResult(AcceptOutcome.NotStored, "the queue is shut down"));
    }

    public async ValueTask DisposeAsync()
    {
        waiting.Writer.TryComplete();
        await stopping.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(writers).ConfigureAwait(false);
        stopping.Dispose();
    }

    private async Task WriteAsync()
    {
        await using var writer = new AcceptWriter(source, settler, () => CommitLimit, () => SettleLimit);
        var batch = new List<Waiting>();
        while (await waiting.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            batch.Clear();
            var bytes = 0;
            while (batch.Count < BatchMessages && bytes < BatchBytes && waiting.Reader.TryRead(out var next))
            {
                batch.Add(next);
                bytes += next.Message.Content.Length;
            }

            if (batch.Count > 0)
            {
                await writer.StoreAsync(batch, currentEpoch(), stopping.Token).ConfigureAwait(false);
            }
        }
    }

    /// <summary>A message and the session that waits for its fate. The session goes on elsewhere: the writer's next commit does not wait for it.</summary>
    internal sealed class Waiting(NewMessage message) : TaskCompletionSource<AcceptResult>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public NewMessage Message { get; } = message;
    }
}
