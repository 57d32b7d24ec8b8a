using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Storage.Nodes;

namespace Mta.Services.Nodes;

/// <summary>
/// Watches the room on the database's disk. PostgreSQL stops when its WAL cannot grow, so clients hear 452 while there is a reserve for it
/// and for what ends deliveries, which go on. The end of a delivery makes WAL as well, as much as the message has where pages are written
/// whole, so that the last quarter of the reserve makes deliveries wait until a checkpoint has given WAL back. Answers are in memory.
/// </summary>
public sealed class QueueSpace : IAsyncDisposable
{
    private const string Tag = "qmgr";

    // A look at a disk costs nothing, and fast clients write a hundred megabytes a second.
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(200);

    // While there is little room, WAL that was written is given free again and again: at once where it takes from the reserve.
    private static readonly TimeSpan CheckpointInterval = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan UrgentCheckpointInterval = TimeSpan.FromSeconds(1);

    private readonly DatabaseSpace space;
    private readonly TimeProvider time;
    private readonly MailLog log;
    private readonly CancellationTokenSource stopping = new();
    private volatile Bounds bounds;
    private volatile bool hasRoom = true;
    private volatile bool hasReserve = true;
    private volatile bool mayDeliver = true;
    private bool isAsked;
    private Task running = Task.CompletedTask;
    private Task checkpoint = Task.CompletedTask;
    private Task vacuum = Task.CompletedTask;
    private long lastCheckpoint;
    private long lastVacuum;

    public QueueSpace(DatabaseSpace space, Settings settings, TimeProvider time, MailLog log)
    {
        this.space = space;
        this.time = time;
        this.log = log;
        bounds = new Bounds(settings);
    }

    /// <summary>False when no new message may begin: 452 to MAIL.</summary>
    public bool HasRoom => hasRoom;

    /// <summary>False when the reserve itself is touched: 452 also to messages that had begun.</summary>
    public bool HasReserve => hasReserve;

    /// <summary>False while too little of the reserve is left even for the ends of deliveries.</summary>
    public bool MayDeliver => mayDeliver;

    /// <summary>After <see cref="MayDeliver"/> has changed.</summary>
    public event Action? MayDeliverChanged;

    public void Configure(Settings settings) => bounds = new Bounds(settings);

    /// <summary>Measures once, then goes on by itself.</summary>
    public async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        await MeasureAsync(cancellationToken).ConfigureAwait(false);
        running = Task.Run(RunAsync, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(false);
        await checkpoint.ConfigureAwait(false);
        await vacuum.ConfigureAwait(false);
        stopping.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(LookInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token).ConfigureAwait(false))
            {
                await MeasureAsync(stopping.Token).ConfigureAwait(false);
                timer.Period = hasRoom && isAsked ? bounds.Interval : LookInterval;
                Reclaim();
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private void Reclaim()
    {
        if (!hasRoom && checkpoint.IsCompleted
            && (lastCheckpoint == 0 || time.GetElapsedTime(lastCheckpoint) > (hasReserve ? CheckpointInterval : UrgentCheckpointInterval)))
        {
            lastCheckpoint = time.GetTimestamp();
            checkpoint = space.CheckpointAsync(stopping.Token).AsTask();
        }

        // Apart from checkpoints, which must not wait for it.
        if (!hasRoom && vacuum.IsCompleted && (lastVacuum == 0 || time.GetElapsedTime(lastVacuum) > CheckpointInterval))
        {
            lastVacuum = time.GetTimestamp();
            vacuum = space.VacuumAsync(stopping.Token).AsTask();
        }
    }

    private async ValueTask MeasureAsync(CancellationToken cancellationToken)
    {
        var now = bounds;
        var reading = await space.ReadAsync(now.Directory, now.SizeLimit > 0, cancellationToken).ConfigureAwait(false);

        isAsked = reading.Asked;

        // Who was refused is let in again when there is clearly more, so that a disk at the bound is not news every second.
        var margin = hasRoom ? 0 : now.Needed / 8;
        var enough = reading.Free is not { } free || free >= now.Needed + margin;
        var small = reading.Size is not { } size || now.SizeLimit == 0 || size < now.SizeLimit;
        hasReserve = reading.Free is not { } left || left >= now.Reserve;
        if (hasRoom && !enough)
        {
            log.Warning(Tag, $"not enough free space in mail queue: {reading.Free} bytes on the disk of the database, {now.Needed} are needed; clients are told to try again");
        }
        else if (hasRoom && !small)
        {
            log.Warning(Tag, $"not enough free space in mail queue: the database has {reading.Size} bytes, queue_size_limit is {now.SizeLimit}; clients are told to try again");
        }
        else if (!hasRoom && enough && small)
        {
            log.Info(Tag, $"there is room in the mail queue again");
        }

        hasRoom = enough && small;
        SetMayDeliver(reading.Free, now.Reserve);
    }

    private void SetMayDeliver(long? free, long reserve)
    {
        var may = free is not { } left || left >= reserve / (mayDeliver ? 4 : 2);
        if (may == mayDeliver)
        {
            return;
        }

        mayDeliver = may;
        if (may)
        {
            log.Info(Tag, $"deliveries go on");
        }
        else
        {
            log.Warning(Tag, $"deliveries wait: {free} bytes are left on the disk of the database, and PostgreSQL stops when it is full");
        }

        MayDeliverChanged?.Invoke();
    }

    private sealed class Bounds(Settings settings)
    {
        public TimeSpan Interval { get; } = settings.Get(Parameters.NodeHeartbeatInterval);

        public string Directory { get; } = settings.Get(Parameters.DatabaseDirectory);

        public long SizeLimit { get; } = settings.Get(Parameters.QueueSizeLimit);

        public long Reserve { get; } = settings.Get(Parameters.DatabaseReserve);

        /// <summary>As in Postfix more than queue_minfree, and one and a half of the largest message; and the reserve below that.</summary>
        public long Needed { get; } = settings.Get(Parameters.DatabaseReserve)
            + Math.Max(settings.Get(Parameters.QueueMinfree) + 1, settings.Get(Parameters.MessageSizeLimit) / 2 * 3);
    }
}
