using System.Collections.Concurrent;
using System.Text;
using Mta.Core.Config;
using Mta.Core.Delivery;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Services.Nodes;
using Mta.Services.Qmgr;
using Mta.Storage.Connections;
using Mta.Storage.Nodes;
using Mta.Storage.Queue;
using Mta.Testing;
using Npgsql;

namespace Mta.Services.Tests.Qmgr;

/// <summary>A queue manager over a real database, whose deliveries the test decides.</summary>
internal sealed class QmgrFixture : IAsyncDisposable
{
    private readonly TestDatabase database;
    private readonly bool isFirst;
    private readonly DatabasePool source;
    private readonly AcceptCombiner accept;
    private readonly CompletionCombiner completions;

    private QmgrFixture(TestDatabase database, bool isFirst, NodeLease lease, DatabasePool source, MailLog mailLog, LineLog lines, string[] config)
    {
        this.database = database;
        this.isFirst = isFirst;
        this.source = source;
        Lines = lines;
        Lease = lease;
        var settings = new Settings([new("compatibility_level", "3.12"), .. config.Select(c => new KeyValuePair<string, string>(c.Split('=')[0], c.Split('=')[1]))]);
        accept = new AcceptCombiner(source, () => lease.Epoch, 1);
        completions = new CompletionCombiner(source, 1, text => mailLog.Warning("qmgr", $"{text}")) { GatherTime = TimeSpan.FromMilliseconds(1) };
        Reader = new QueueReader(source);
        Queue = new QueueManager(
            new QueueManagerPorts
            {
                Log = mailLog,
                Time = TimeProvider.System,
                Reader = Reader,
                Epoch = () => lease.Epoch,
                LeaseHeld = () => lease.IsHeld,
                Completions = completions,
                Notifications = () => Bounces,
                Resolver = () => new DomainResolver(),
                NextId = lease.NextId,
                SweepNeeded = () => Claims!.Sweep(),
            },
            settings,
            [new TransportService("smtp", Agent, settings, 100), new TransportService("local", Agent, settings, 100)]);
        Claims = new QueueClaims(Queue, Reader, lease, mailLog, TimeProvider.System) { PollInterval = TimeSpan.FromMilliseconds(20) };
        Requests = new RequestWatcher(Queue, new RequestStore(source), lease, mailLog, TimeProvider.System) { PollInterval = TimeSpan.FromMilliseconds(20) };
        lease.EpochEnded += Queue.Abandon;
        Intake = new QueueIntake(lease, accept, new UploadStore(source), Queue, mailLog, Claims.Sweep, () => true);
    }

    public DatabasePool Source => source;

    public ScriptedAgent Agent { get; } = new();

    public LineLog Lines { get; }

    public NodeLease Lease { get; }

    public QueueReader Reader { get; }

    public QueueManager Queue { get; }

    public QueueClaims Claims { get; }

    public RequestWatcher Requests { get; }

    public QueueIntake Intake { get; }

    public RecordingNotifications Bounces { get; } = new();

    public static async Task<QmgrFixture> CreateAsync(params string[] config) => await CreateAsync(await TestDatabase.CreateAsync(), "node", config);

    /// <summary>The queue manager of another node over the same database; it is disposed before this one.</summary>
    public Task<QmgrFixture> JoinAsync(string node, params string[] config) => CreateAsync(database, node, config);

    private static async Task<QmgrFixture> CreateAsync(TestDatabase database, string node, string[] config)
    {
        var source = Database.Connect(database.ConnectionString).CreateDataSource(DatabaseRole.Daemon, "test", 10, QueueDataSource.Configure);
        var lines = new LineLog();
        var log = new MailLog(lines);
        var lease = await NodeLease.BeginAsync(
            new NodeRegistry(source),
            new NodeIdentity(node, "secret of " + node, "host", 1, "0"),
            new LeaseTimes(TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(5)),
            TimeProvider.System,
            log,
            default);
        return new QmgrFixture(database, node == "node", lease!, source, log, lines, config);
    }

    /// <summary>The content filter of messages sent from now on.</summary>
    public string? Filter { get; set; }

    public async Task<QueueId> SendAsync(bool owned, string sender, params string[] recipients)
    {
        var id = Intake.NextId();
        var bytes = Encoding.ASCII.GetBytes("Subject: x\n\nbody\n");
        var content = PooledContent.CopyOf(bytes);
        var result = await Intake.EnqueueAsync(
            new NewMessage
            {
                Envelope = new Envelope { Id = id, Sender = sender, Size = bytes.Length, RecipientCount = recipients.Length, Filter = Filter },
                Recipients = [.. recipients.Select((address, i) => new Recipient { Number = i, Address = address })],
                Content = content.Memory,
                Owned = owned,
            },
            content,
            default);
        if (result.Outcome != CleanupOutcome.Queued)
        {
            throw new InvalidOperationException(result.ToString());
        }

        return id;
    }

    public async Task<long> CountAsync(string table) => await ScalarAsync<long>($"SET search_path = mta_store, mta; SELECT count(*) FROM {table}");

    public async Task ExecuteAsync(string sql)
    {
        await using var command = database.DataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = database.DataSource.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Waits until the query counts <paramref name="expected"/>.</summary>
    public async Task UntilAsync(string table, long expected)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (await CountAsync(table) != expected)
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Requests.DisposeAsync();
        await Claims.DisposeAsync();
        await Queue.StopAsync(TimeSpan.FromSeconds(5));
        await Queue.DisposeAsync();
        await accept.DisposeAsync();
        await completions.StopAsync(TimeSpan.FromSeconds(5));
        await completions.DisposeAsync();
        await Lease.DisposeAsync();
        await source.DisposeAsync();
        if (isFirst)
        {
            await database.DisposeAsync();
        }
    }

    /// <summary>Everything goes by smtp to the recipient's domain.</summary>
    private sealed class DomainResolver : IAddressResolver
    {
        public ValueTask<Resolution> ResolveAsync(string sender, string recipient, CancellationToken cancellationToken)
        {
            var domain = recipient[(recipient.LastIndexOf('@') + 1)..];
            return new(domain == "bad" ? new Resolution(ResolveOutcome.BadAddress, AddressClass.Default, "", "", recipient)
                : new Resolution(ResolveOutcome.Ok, AddressClass.Default, domain == "nowhere" ? "none" : "smtp", domain, recipient));
        }

        public string Rewrite(string address, bool localContext) => address;
    }
}

/// <summary>Answers by the local part: ok, defer, bounce, throw; the domain "down" fails as a whole.</summary>
internal sealed class ScriptedAgent : IDeliveryAgent
{
    public ConcurrentQueue<DeliveryRequest> Requests { get; } = new();

    /// <summary>Deliveries wait for it.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public async ValueTask DeliverAsync(DeliveryRequest request, CancellationToken cancellationToken)
    {
        Requests.Enqueue(request);
        await Gate;
        if (request.Nexthop == "down")
        {
            var reason = DeliveryStatus.Deferred("4.4.1", "connect to down[192.0.2.1]:25: Connection refused");
            request.Reports.DestinationFailed(request, reason);
            request.ReportAll(reason);
            return;
        }

        foreach (var recipient in request.Recipients)
        {
            if (recipient.Address.StartsWith("throw", StringComparison.Ordinal))
            {
                throw new InvalidOperationException("an agent's bug");
            }

            request.Report(recipient, recipient.Address[..recipient.Address.IndexOf('@', StringComparison.Ordinal)] switch
            {
                "defer" => DeliveryStatus.Deferred("4.2.0", "try later"),
                "bounce" => DeliveryStatus.Bounced("5.1.1", "no such user"),
                _ => new DeliveryStatus { Action = DeliveryAction.Sent, Dsn = "2.0.0", Text = "250 ok", Relay = "host[192.0.2.1]:25" },
            });
        }
    }
}

internal sealed class LineLog : ILogSink
{
    private readonly ConcurrentQueue<string> lines = new();

    public IReadOnlyList<string> All => [.. lines];

    public void Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text) => lines.Enqueue($"{tag}: {Encoding.UTF8.GetString(text)}");
}

internal sealed class RecordingNotifications : INotifications
{
    public ConcurrentQueue<(NotificationKind Kind, string[] Recipients)> Built { get; } = new();

    /// <summary>A table that reports need cannot answer.</summary>
    public bool Fails { get; set; }

    public ValueTask<Notification> BuildAsync(
        NotificationKind kind, Envelope envelope, IMessageContent content, IReadOnlyList<RecipientOutcome> outcomes, Func<QueueId> nextId, CancellationToken cancellationToken)
    {
        if (Fails)
        {
            return new(new Notification(null, IsFailed: true));
        }

        Built.Enqueue((kind, [.. outcomes.Select(o => o.Recipient.Address)]));
        return new(new Notification(envelope.Sender.Length == 0 ? null : new NewMessage
        {
            Envelope = new Envelope { Id = nextId(), Sender = "", Size = 4, RecipientCount = 1 },
            Recipients = [new Recipient { Number = 0, Address = envelope.Sender }],
            Content = "\nno\n"u8.ToArray(),
            Owned = true,
        }));
    }
}
