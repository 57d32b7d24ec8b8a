using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Storage;
using Mta.Storage.Connections;
using Mta.Storage.Embedded;

namespace Mta.Daemon;

/// <summary>The database of a node: opened and brought up to date; the embedded one started, and started again when its server ends.</summary>
internal sealed class NodeDatabase : IDisposable
{
    private const string Tag = "master";

    // At boot the server may come up after us.
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan WatchInterval = TimeSpan.FromMilliseconds(500);

    private readonly MailLog log;
    private readonly EmbeddedCluster? cluster;
    private readonly ClusterUse? use;
    private readonly CancellationTokenSource closing = new();
    private Task watching = Task.CompletedTask;

    private NodeDatabase(Database database, MailLog log, EmbeddedCluster? cluster, ClusterUse? use)
    {
        Database = database;
        this.log = log;
        this.cluster = cluster;
        this.use = use;
    }

    public Database Database { get; }

    /// <summary>Throws <see cref="StorageException"/>, or <see cref="MasterException"/> for a URL that is none.</summary>
    public static async Task<NodeDatabase> OpenAsync(Settings settings, MailLog log, CancellationToken cancellationToken)
    {
        if (!DatabaseUrl.TryParse(settings.Get(Parameters.DatabaseUrl), out var url, out var problem))
        {
            throw new MasterException(problem);
        }

        foreach (var warning in url.Warnings)
        {
            log.Warning(Tag, $"{warning}");
        }

        var node = url.IsEmbedded
            ? await StartEmbeddedAsync(settings, log, cancellationToken).ConfigureAwait(false)
            : new NodeDatabase(Database.Connect(url), log, null, null);
        try
        {
            await node.MigrateAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await node.CloseAsync(stop: true).ConfigureAwait(false);
            throw;
        }

        node.Database.FollowPrimary(text => log.Warning(Tag, $"{text}"));
        if (node.cluster is not null)
        {
            node.watching = node.WatchAsync();
        }

        return node;
    }

    /// <param name="stop">False leaves the embedded server running for whoever comes next.</param>
    public async Task CloseAsync(bool stop)
    {
        // The watch is over first, or it would start again what is stopped here.
        await closing.CancelAsync().ConfigureAwait(false);
        await watching.ConfigureAwait(false);
        await Database.DisposeAsync().ConfigureAwait(false);
        if (stop && use is not null)
        {
            try
            {
                use.Stop();
            }
            catch (StorageException e)
            {
                log.Warning(Tag, $"{e.Message}");
            }
        }
    }

    public void Dispose() => closing.Dispose();

    private static async Task<NodeDatabase> StartEmbeddedAsync(Settings settings, MailLog log, CancellationToken cancellationToken)
    {
        var cluster = new EmbeddedCluster(settings.Get(Parameters.DataDirectory), settings.Get(Parameters.MailOwner), text => log.Warning(Tag, $"{text}"));
        var use = await cluster.StartAsync(cancellationToken).ConfigureAwait(false);
        log.Info(Tag, $"embedded PostgreSQL {(use.Started ? "started" : "was running")} in {cluster.Directory}");
        return new NodeDatabase(use.Database, log, cluster, use);
    }

    private async Task MigrateAsync(CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                await Database.MigrateAsync(text => log.Warning(Tag, $"{text}"), cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (StorageException e) when (e.Failure == StorageFailure.Retry && TimeProvider.System.GetElapsedTime(started) < ConnectLimit)
            {
                log.Warning(Tag, $"{e.Message}");
                await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    // Its server is no child of ours (it outlives us), so nobody tells us of its end.
    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(WatchInterval);
        try
        {
            while (await timer.WaitForNextTickAsync(closing.Token).ConfigureAwait(false))
            {
                if (cluster!.IsRunning)
                {
                    continue;
                }

                log.Warning(Tag, $"the embedded PostgreSQL ended and is started again");
                try
                {
                    using var again = await cluster.StartAsync(closing.Token).ConfigureAwait(false);
                }
                catch (StorageException e)
                {
                    log.Error(Tag, $"{e.Message}");
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Closed.
        }
    }
}
