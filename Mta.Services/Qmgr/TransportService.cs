using Mta.Core.Config;
using Mta.Services.Clients;

namespace Mta.Services.Qmgr;

/// <summary>A delivery service of master.cf.</summary>
/// <param name="Name">Its name, which transport maps and logs use.</param>
/// <param name="Settings">The configuration with the service's own overrides.</param>
/// <param name="ProcessLimit">Deliveries at once over all destinations (maxproc); 0 for no limit.</param>
public sealed record TransportService(string Name, IDeliveryAgent Agent, Settings Settings, int ProcessLimit)
{
    /// <summary>The service in log lines: the agent's program, <c>relay/smtp</c> where the service has a syslog_name of its own.</summary>
    public string LogTag { get; init; } = Name;
}
