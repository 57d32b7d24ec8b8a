using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Nodes;
using Mta.Storage.Connections;
using Mta.Storage.History;
using Mta.Storage.Nodes;
using Mta.Storage.Queue;
using Mta.Storage.Shares;
using Npgsql;

namespace Mta.Daemon;

/// <summary>
/// The connections of a node and what writes and reads the queue over them. The budget of a node is the sum of the pools: accept, complete,
/// 8 to claim and read, 6 for heartbeats, requests and take-over (2 while nothing hangs), 1 to end sessions of frozen nodes, 4 for lookups,
/// 2 for queue listings, 1 to hear of changes, 1 for the history of refusals, 2 for checkpoints and vacuum while there is little room, and 1 of NodeParameters. Each is
/// opened when it is needed; where there are several hosts, one more asks each of them whether it takes writes. README.md has the sum.
/// </summary>
internal sealed class NodeStorage : IAsyncDisposable
{
    private const int ReadConnections = 8;
    private const int HeartbeatConnections = 6;
    private const int HeartbeatSeconds = 5;
    private const int FailOverSeconds = 10;
    private const int LookupConnections = 4;
    private const int ListingConnections = 2;

    private readonly DatabasePool acceptSource;
    private readonly DatabasePool completeSource;
    private readonly DatabasePool readSource;
    private readonly DatabasePool heartbeatSource;
    private readonly DatabasePool controlSource;
    private readonly DatabasePool listenSource;
    private readonly DatabasePool historySource;

    public NodeStorage(Database database)
    {
        // Writers never give up on a commit by themselves: each keeps its connection, and settles an unknown one on another.
        acceptSource = Source(database, "accept", 2 * MaximumWriters);
        completeSource = Source(database, "complete", 2 * MaximumWriters);
        readSource = Source(database, "claim", ReadConnections);
        heartbeatSource = database.CreateDataSource(DatabaseRole.Daemon, "heartbeat", HeartbeatConnections, ConfigureHeartbeat);
        controlSource = database.CreateDataSource(DatabaseRole.Login, "takeover", 1);
        listenSource = database.CreateDataSource(DatabaseRole.Daemon, "listen", 1);
        Notifier = new ChangeNotifier(heartbeatSource, TimeProvider.System);
        Lookups = database.CreateDataSource(DatabaseRole.Daemon, "lookup", LookupConnections, c => LimitCommands(database, c));
        Listings = database.CreateDataSource(DatabaseRole.Daemon, "showq", ListingConnections);
        historySource = database.CreateDataSource(DatabaseRole.Daemon, "history", 1);
        Rejects = new RejectStore(historySource);
        Registry = new NodeRegistry(heartbeatSource, controlSource);
        Requests = new RequestStore(heartbeatSource);
        Shares = new ShareStore(heartbeatSource);
        Reader = new QueueReader(readSource);
        Uploads = new UploadStore(readSource);
        Slots = new ContentSlots(readSource);
        Space = new DatabaseSpace(database, readSource);
    }

    public const int MaximumWriters = 16;

    public DatabasePool Lookups { get; }

    /// <summary>For queue listings, which may take long: their readers wait for each other and for nobody else.</summary>
    public DatabasePool Listings { get; }

    /// <summary>For services that read and write rows of their own, such as pickup.</summary>
    public DatabasePool Reads => readSource;

    public NodeRegistry Registry { get; }

    public ChangeNotifier Notifier { get; }

    public RequestStore Requests { get; }

    public ShareStore Shares { get; }

    public RejectStore Rejects { get; }

    /// <summary>Of the node that this is.</summary>
    public ReturnStore Returns(string node) => new(historySource, node);

    public DatabaseSpace Space { get; }

    public QueueReader Reader { get; }

    public UploadStore Uploads { get; }

    public ContentSlots Slots { get; }

    public AcceptCombiner MakeAccept(NodeLease lease, Settings settings) =>
        new(acceptSource, () => lease.Epoch, settings.Get(Parameters.QueueAcceptConnections))
        {
            CommitLimit = CommitLimit(settings),
        };

    public CompletionCombiner MakeCompletions(Settings settings, MailLog log) =>
        new(completeSource, settings.Get(Parameters.QueueCompleteConnections), text => log.Warning("qmgr", $"{text}"))
        {
            CommitLimit = CommitLimit(settings),
        };

    // A connection on which a commit hangs for a whole lease is taken for dead, whether the other end knows or not.
    private static TimeSpan CommitLimit(Settings settings) => settings.Get(Parameters.NodeLeaseTime);

    public ChangeListener MakeListener(Action<string> heard) => new(listenSource, heard, TimeProvider.System);

    public async ValueTask DisposeAsync()
    {
        await Notifier.DisposeAsync().ConfigureAwait(false);
        await listenSource.DisposeAsync().ConfigureAwait(false);
        await Space.DisposeAsync().ConfigureAwait(false);
        await Listings.DisposeAsync().ConfigureAwait(false);
        await acceptSource.DisposeAsync().ConfigureAwait(false);
        await completeSource.DisposeAsync().ConfigureAwait(false);
        await readSource.DisposeAsync().ConfigureAwait(false);
        await historySource.DisposeAsync().ConfigureAwait(false);
        await heartbeatSource.DisposeAsync().ConfigureAwait(false);
        await controlSource.DisposeAsync().ConfigureAwait(false);
        await Lookups.DisposeAsync().ConfigureAwait(false);
    }

    // What hangs is broken off within seconds and without asking the server, which may be out of reach.
    private static void ConfigureHeartbeat(NpgsqlConnectionStringBuilder settings)
    {
        QueueDataSource.Configure(settings);
        settings.Timeout = HeartbeatSeconds;
        settings.CommandTimeout = HeartbeatSeconds;
        settings.CancellationTimeout = -1;
    }

    private static DatabasePool Source(Database database, string purpose, int connections) =>
        database.CreateDataSource(
            DatabaseRole.Daemon,
            purpose,
            connections,
            settings =>
            {
                QueueDataSource.Configure(settings);
                LimitCommands(database, settings);
            });

    // Where there is another server to go on with, nobody waits half a minute for a frozen one. Commits have no limit of this kind.
    private static void LimitCommands(Database database, NpgsqlConnectionStringBuilder settings)
    {
        if (database.HasSeveralHosts)
        {
            // Broken off without asking: it would not hear that a statement is to be cancelled either.
            settings.CommandTimeout = Math.Min(settings.CommandTimeout, FailOverSeconds);
            settings.CancellationTimeout = -1;
        }
    }
}
