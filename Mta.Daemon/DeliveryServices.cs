using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Configuration;
using Mta.Services.Discard;
using Mta.Services.Dns;
using Mta.Services.Error;
using Mta.Services.Local;
using Mta.Services.Mailbox;
using Mta.Services.Maps;
using Mta.Services.Net;
using Mta.Services.Qmgr;
using Mta.Services.Smtp;
using Mta.Services.Virtual;

namespace Mta.Daemon;

/// <summary>What delivery agents are made of.</summary>
internal sealed record DeliveryParts(
    Settings Settings,
    TableRegistry Tables,
    UserDelivery Mailboxes,
    OwnEndpoints Own,
    DeadlineSweeper Deadlines,
    IAddressResolver Resolver,
    ICleanup Cleanup,
    MailLog Log,
    TimeProvider Time);

/// <summary>The table of delivery programs: which agent serves the services of master.cf that name them.</summary>
internal static class DeliveryServices
{
    private static readonly Dictionary<string, Func<DeliveryParts, IDeliveryAgent>> Programs = new(StringComparer.Ordinal)
    {
        ["smtp"] = parts => Client(lmtp: false, parts),
        ["lmtp"] = parts => Client(lmtp: true, parts),
        ["virtual"] = parts => new VirtualDeliveryAgent(parts.Tables, parts.Mailboxes, parts.Log, parts.Time),
        ["local"] = parts => new LocalDeliveryAgent(parts.Tables, parts.Mailboxes, parts.Resolver, parts.Cleanup, parts.Log, parts.Time),
        ["error"] = parts => new ErrorDeliveryAgent(parts.Log),
        ["discard"] = parts => new DiscardDeliveryAgent(parts.Log),
    };

    private static SmtpDeliveryAgent Client(bool lmtp, DeliveryParts parts) =>
        new(lmtp, parts.Settings, parts.Tables, parts.Resolver, new DnsResolver(parts.Settings), parts.Own, parts.Deadlines, parts.Log);

    /// <summary>True when the program of a master.cf service delivers mail.</summary>
    public static bool IsDelivery(string program) => Programs.ContainsKey(program);

    /// <summary>The delivery services of a configuration.</summary>
    public static List<TransportService> Make(IReadOnlyList<MasterService> services, DeliveryParts parts)
    {
        var transports = new List<TransportService>();
        foreach (var service in services)
        {
            if (service.Type == ServiceType.Unix && Programs.TryGetValue(service.Command, out var make))
            {
                var settings = LoadedConfiguration.ForService(parts.Settings, service);
                transports.Add(new TransportService(
                    service.Name,
                    make(parts with { Settings = settings }),
                    settings,
                    service.ProcessLimit ?? settings.Get(Parameters.DefaultProcessLimit))
                {
                    LogTag = LogTags.Of(parts.Settings, settings, service.Command),
                });
            }
        }

        return transports;
    }
}
