using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Mailbox;
using Mta.Services.Maps;
using Mta.Services.Net;
using Mta.Services.Nodes;
using Mta.Services.Pickup;
using Mta.Services.Qmgr;
using Mta.Services.Smtpd;
using Mta.Storage;
using Mta.Storage.Maildrop;
using Mta.Storage.Nodes;
using Mta.Storage.Queue;

namespace Mta.Daemon;

/// <summary>The services of one node, from listeners to deliveries: made, reloaded and stopped as one.</summary>
public sealed class NodeServices : IAsyncDisposable
{
    private static readonly TimeSpan DeliveryStopLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CompletionStopLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MaintenanceInterval = TimeSpan.FromHours(1);

    private readonly ServiceEnvironment environment;
    private readonly NodeStorage storage;
    private readonly NodeLease lease;
    private readonly TableRegistry tables;
    private readonly DeadlineSweeper deadlines;
    private readonly UserDelivery mailboxes;
    private readonly AcceptCombiner accept;
    private readonly CompletionCombiner completions;
    private readonly QueueManager queue;
    private readonly QueueClaims claims;
    private readonly RequestWatcher requests;
    private readonly QueueSpace space;
    private readonly ShareExchange shares;
    private readonly QueueIntake intake;
    private readonly RejectHistory rejects;
    private readonly InetServers servers;
    private readonly CancellationTokenSource stopping = new();
    private volatile NodeConfiguration configuration;
    private volatile bool accepting = true;
    private LocalServices? local;
    private ChangeListener? listener;

    private NodeServices(ServiceEnvironment environment, NodeStorage storage, NodeLease lease)
    {
        this.environment = environment;
        this.storage = storage;
        this.lease = lease;
        var (settings, log, time) = (environment.Settings, environment.Log, environment.Time);
        tables = new TableRegistry(log, time, storage.Lookups);
        deadlines = new DeadlineSweeper(time);
        mailboxes = new UserDelivery(new MailboxWriter(time), environment.UserProcesses, time);
        accept = storage.MakeAccept(lease, settings);
        completions = storage.MakeCompletions(settings, log);
        queue = new QueueManager(
            new QueueManagerPorts
            {
                Log = log,
                Time = time,
                Reader = storage.Reader,
                Epoch = () => lease.Epoch,
                LeaseHeld = () => lease.IsHeld,
                Completions = completions,
                Notifications = () => configuration!.Notifications,
                Resolver = () => configuration!.Resolver,
                NextId = lease.NextId,
                SweepNeeded = () => claims!.Sweep(),
            },
            settings,
            []);
        space = new QueueSpace(storage.Space, settings, time, log);
        claims = new QueueClaims(queue, storage.Reader, lease, log, time) { Shares = storage.Shares };
        requests = new RequestWatcher(queue, storage.Requests, lease, log, time);
        shares = new ShareExchange(queue, storage.Shares, lease, log, time) { Delivers = () => claims!.Delivers && !lease.IsDrained };
        intake = new QueueIntake(
            lease, accept, storage.Uploads, queue, log, claims.Sweep, () => space!.HasReserve, storage.Notifier.MailForAnybody);
        configuration = new NodeConfiguration(environment, tables, intake, mailboxes, deadlines);
        rejects = new RejectHistory(storage.Rejects, lease.Epoch.Name, time);
        servers = new InetServers(
            new SmtpdEnvironment
            {
                Cleanup = new CurrentCleanup(() => configuration),
                Tables = tables,
                Dns = new CurrentDns(() => configuration),
                Log = log,
                Rejects = rejects,
                Time = time,
                Deadlines = deadlines,
                AcceptingMail = () => accepting && lease.IsHeld,
                IsDrained = () => lease.IsDrained,
                HasRoom = () => space.HasRoom,
            },
            log);
    }

    /// <summary>Starts everything; when the task ends, the listeners are being accepted from. Throws what makes a start impossible.</summary>
    public static async Task<NodeServices> StartAsync(ServiceEnvironment environment, CancellationToken cancellationToken)
    {
        var storage = new NodeStorage(environment.Database);
        var identity = NodeInstance.Identify(environment.Settings.Own);
        var lease = await NodeLease.BeginAsync(
            storage.Registry, identity, LeaseTimes.From(environment.Settings), environment.Time, environment.Log, cancellationToken).ConfigureAwait(false)
            ?? throw new StorageException(
                StorageFailure.Conflict,
                $"a node named {identity.Name} is running on another host or with another data_directory: set node_name in main.cf, or wait until its lease has ended");
        var services = new NodeServices(environment, storage, lease);
        await services.BeginAsync(cancellationToken).ConfigureAwait(false);
        return services;
    }

    /// <summary>Takes a new configuration, with all listeners it has (those that were there before are the same sockets). Sessions go on.</summary>
    public async Task ReloadAsync(ServiceEnvironment changed, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var times = LeaseTimes.From(changed.Settings);
        var next = new NodeConfiguration(changed, tables, intake, mailboxes, deadlines);
        await tables.StartAsync(cancellationToken).ConfigureAwait(false);
        await servers.ApplyAsync(next, changed.Listeners).ConfigureAwait(false);
        configuration = next;
        lease.Configure(times);
        space.Configure(changed.Settings);
        queue.Configure(next.SettingsOf("qmgr"), next.Transports);
        intake.Delivers = claims.Delivers = next.Runs("qmgr");
        await ListenAsync(changed.Settings.Get(Parameters.DatabaseListen)).ConfigureAwait(false);
        await StopLocalServicesAsync().ConfigureAwait(false);
        local = StartLocalServices();
    }

    /// <summary>Ends sessions and deliveries, writes away what is finished, and gives the node's lease back.</summary>
    /// <param name="abort">True: at once, what is in flight is left to the recovery.</param>
    public async Task StopAsync(bool abort, CancellationToken cancellationToken)
    {
        accepting = false;
        await stopping.CancelAsync().ConfigureAwait(false);
        if (!abort)
        {
            await servers.StopAsync().ConfigureAwait(false);
            await StopLocalServicesAsync().ConfigureAwait(false);
            await claims.StopAsync().ConfigureAwait(false);
            await requests.StopAsync().ConfigureAwait(false);
            await shares.StopAsync().ConfigureAwait(false);
            // While the deliveries under way come to their ends the other nodes have the rest already.
            queue.HandBack();
            await queue.StopAsync(DeliveryStopLimit).ConfigureAwait(false);
            await completions.StopAsync(CompletionStopLimit).ConfigureAwait(false);
            await lease.EndAsync(cancellationToken).ConfigureAwait(false);
        }

        await DisposeAsync().ConfigureAwait(false);
    }

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        await tables.StartAsync(cancellationToken).ConfigureAwait(false);
        queue.Configure(configuration.SettingsOf("qmgr"), configuration.Transports);
        intake.Delivers = claims.Delivers = configuration.Runs("qmgr");
        queue.MayDeliver = !lease.IsDrained;
        lease.Report = () => new NodeReport(0, queue.ActiveCount, queue.DeliveryCount, rejects.Lost, claims.Delivers, !space.HasRoom);
        lease.Beat += Beaten;
        space.MayDeliverChanged += SetMayDeliver;
        lease.EpochEnded += queue.Abandon;
        lease.Start();
        requests.Start();
        shares.Start();
        claims.Start();
        rejects.Start();
        await ListenAsync(configuration.Settings.Get(Parameters.DatabaseListen)).ConfigureAwait(false);
        local = StartLocalServices();
        await space.StartAsync(cancellationToken).ConfigureAwait(false);
        await servers.ApplyAsync(configuration, environment.Listeners).ConfigureAwait(false);
        _ = MaintainAsync();
        _ = new ContentRecycler(storage.Slots, environment.Log, environment.Time).RunAsync(stopping.Token);
    }

    private async ValueTask ListenAsync(bool wanted)
    {
        storage.Notifier.IsOn = wanted;
        if (wanted && listener is null)
        {
            listener = storage.MakeListener(Heard);
            listener.Start();
        }
        else if (!wanted && listener is { } old)
        {
            listener = null;
            await old.DisposeAsync().ConfigureAwait(false);
        }
    }

    // Each of these only looks earlier at what it polls anyway.
    private void Heard(string channel)
    {
        switch (channel)
        {
            case Channels.Request:
                requests.Wake();
                break;
            case Channels.Flush:
                claims.Wake();
                break;
            case Channels.Queue:
                claims.WakeForIncoming();
                break;
            case Channels.Lookup:
                tables.Poke();
                break;
        }
    }

    private void Beaten(bool held)
    {
        SetMayDeliver();
        if (held && lease.IsDrained)
        {
            // Again and again: messages that were accepted, or reports that were made, since the last time are given back too.
            queue.HandBack();
        }
    }

    private void SetMayDeliver() => queue.MayDeliver = lease.IsHeld && accepting && !lease.IsDrained && space.MayDeliver;

    private LocalServices StartLocalServices() => new(
        configuration,
        new PickupPorts
        {
            Store = new MaildropStore(storage.Reads),
            Writer = new MaildropWriter(storage.Reads),
            Cleanup = new CurrentCleanup(() => configuration),
            Notifications = new CurrentNotifications(() => configuration),
            NextId = lease.NextId,
            Log = environment.Log,
            Rejects = rejects,
            Returns = storage.Returns(lease.Epoch.Name),
            Time = environment.Time,
        },
        storage,
        tables,
        claims.Wake);

    private async Task MaintainAsync()
    {
        using var timer = new PeriodicTimer(MaintenanceInterval, environment.Time);
        try
        {
            do
            {
                try
                {
                    await storage.Registry.MaintainLogAsync(configuration.Settings.Get(Parameters.DeliveryLogRetention), stopping.Token).ConfigureAwait(false);
                    await storage.Registry.TrimAdminLogAsync(configuration.Settings.Get(Parameters.AdminLogRetention), stopping.Token).ConfigureAwait(false);
                }
                catch (StorageException e)
                {
                    // A partition that is missing stops nothing; the next round makes it.
                    environment.Log.Warning("qmgr", $"maintenance of the logs in the database: {e.Message}");
                }
            }
            while (await timer.WaitForNextTickAsync(stopping.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private async ValueTask StopLocalServicesAsync()
    {
        if (local is { } services)
        {
            local = null;
            await services.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Gives everything up at once; what is in flight is left to the recovery.</summary>
    public async ValueTask DisposeAsync()
    {
        await ListenAsync(wanted: false).ConfigureAwait(false);
        await StopLocalServicesAsync().ConfigureAwait(false);
        await space.DisposeAsync().ConfigureAwait(false);
        await claims.DisposeAsync().ConfigureAwait(false);
        await requests.DisposeAsync().ConfigureAwait(false);
        await shares.DisposeAsync().ConfigureAwait(false);
        await servers.DisposeAsync().ConfigureAwait(false);
        await rejects.DisposeAsync().ConfigureAwait(false);
        await queue.DisposeAsync().ConfigureAwait(false);
        await accept.DisposeAsync().ConfigureAwait(false);
        await completions.DisposeAsync().ConfigureAwait(false);
        await lease.DisposeAsync().ConfigureAwait(false);
        await mailboxes.DisposeAsync().ConfigureAwait(false);
        await tables.DisposeAsync().ConfigureAwait(false);
        deadlines.Dispose();
        await storage.DisposeAsync().ConfigureAwait(false);
        stopping.Dispose();
    }
}
