using System.Net;
using Mta.Core.Config;
using Mta.Core.Queue;
using Mta.Services.Bounce;
using Mta.Services.Cleanup;
using Mta.Services.Clients;
using Mta.Services.Configuration;
using Mta.Services.Dns;
using Mta.Services.Mailbox;
using Mta.Services.Maps;
using Mta.Services.Net;
using Mta.Services.Qmgr;
using Mta.Services.Smtp;
using Mta.Services.Smtpd;
using Mta.Services.TrivialRewrite;
using Mta.Storage.Queue;

namespace Mta.Daemon;

/// <summary>What is made anew from each configuration: tables opened, addresses resolved, delivery agents with their settings.</summary>
internal sealed class NodeConfiguration
{
    public NodeConfiguration(ServiceEnvironment environment, TableRegistry tables, IQueueIntake intake, UserDelivery mailboxes, DeadlineSweeper deadlines)
    {
        Settings = environment.Settings;
        Services = environment.Services;
        Dns = new DnsResolver(Settings);
        Resolver = new AddressResolver(SettingsOf("trivial-rewrite"), tables, environment.Log);
        CleanupService Make(Settings settings) => new(settings, Resolver, tables, intake, environment.Log, environment.Time);
        var cleanup = Make(SettingsOf("cleanup"));
        var others = Services.Where(s => s.Command == "cleanup").Skip(1).DistinctBy(s => s.Name);
        Cleanup = new CleanupByName(
            cleanup, others.ToDictionary(s => s.Name, s => Make(LoadedConfiguration.ForService(Settings, s)), StringComparer.Ordinal));
        Notifications = new BounceService(SettingsOf("bounce"), environment.Log, environment.Time, cleanup, cleanup);
        var ports = environment.Listeners.Select(l => ((IPEndPoint)l.Socket.LocalEndPoint!).Port);
        Transports = DeliveryServices.Make(
            Services,
            new DeliveryParts(
                Settings, tables, mailboxes, new OwnEndpoints(OwnAddresses.From(Settings), ports), deadlines, Resolver, Cleanup, environment.Log, environment.Time));
    }

    public Settings Settings { get; }

    public IReadOnlyList<MasterService> Services { get; }

    /// <summary>The DNS of services that are no delivery agents.</summary>
    public IDnsResolver Dns { get; }

    public IAddressResolver Resolver { get; }

    public ICleanup Cleanup { get; }

    public INotifications Notifications { get; }

    public IReadOnlyList<TransportService> Transports { get; }

    /// <summary>True when master.cf has the service, for example qmgr: without it the node receives only.</summary>
    public bool Runs(string program) => Services.Any(s => s.Command == program);

    /// <summary>The settings of the first service with this program; the general ones when master.cf has none.</summary>
    public Settings SettingsOf(string program) =>
        Services.FirstOrDefault(s => s.Command == program) is { } service ? LoadedConfiguration.ForService(Settings, service) : Settings;

    public SmtpdSnapshot SmtpdOf(MasterService service) => new(LoadedConfiguration.ForService(Settings, service), Resolver, Cleanup);
}

/// <summary>The cleanup services of master.cf: the first one, and others that a service may name (cleanup_service_name), each with settings of its own.</summary>
internal sealed class CleanupByName(CleanupService first, Dictionary<string, CleanupService> others) : ICleanup
{
    public ICleanupTransaction Begin(CleanupRequest request) =>
        (others.Count > 0 && others.TryGetValue(request.CleanupService, out var other) ? other : first).Begin(request);
}

/// <summary>Cleanup of the current configuration: a message ends under the one it was opened with.</summary>
internal sealed class CurrentCleanup(Func<NodeConfiguration> current) : ICleanup
{
    public ICleanupTransaction Begin(CleanupRequest request) => current().Cleanup.Begin(request);
}

/// <summary>The DNS of the current configuration.</summary>
internal sealed class CurrentDns(Func<NodeConfiguration> current) : IDnsResolver
{
    public ValueTask<DnsAnswer<MailExchanger>> FindMailExchangersAsync(string domain, CancellationToken cancellationToken) =>
        current().Dns.FindMailExchangersAsync(domain, cancellationToken);

    public ValueTask<DnsAnswer<IPAddress>> FindAddressesAsync(string host, bool ipv6, CancellationToken cancellationToken) =>
        current().Dns.FindAddressesAsync(host, ipv6, cancellationToken);

    public ValueTask<DnsAnswer<string>> FindNamesAsync(IPAddress address, CancellationToken cancellationToken) => current().Dns.FindNamesAsync(address, cancellationToken);

    public ValueTask<DnsAnswer<string>> FindNameServersAsync(string domain, CancellationToken cancellationToken) =>
        current().Dns.FindNameServersAsync(domain, cancellationToken);

    public ValueTask<DnsAnswer<string>> FindTextsAsync(string name, CancellationToken cancellationToken) => current().Dns.FindTextsAsync(name, cancellationToken);
}

/// <summary>Reports by the current configuration.</summary>
internal sealed class CurrentNotifications(Func<NodeConfiguration> current) : INotifications
{
    public ValueTask<Notification> BuildAsync(
        NotificationKind kind,
        Envelope envelope,
        IMessageContent content,
        IReadOnlyList<RecipientOutcome> outcomes,
        Func<QueueId> nextId,
        CancellationToken cancellationToken) =>
        current().Notifications.BuildAsync(kind, envelope, content, outcomes, nextId, cancellationToken);
}
