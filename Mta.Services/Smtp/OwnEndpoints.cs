using System.Net;

namespace Mta.Services.Smtp;

/// <summary>Where this mail system itself receives mail: its addresses, those of proxies before it (proxy_interfaces), and its SMTP ports.</summary>
public sealed class OwnEndpoints(IEnumerable<IPAddress> addresses, IEnumerable<int> ports)
{
    private readonly HashSet<IPAddress> addresses = [.. addresses];
    private readonly HashSet<int> ports = [.. ports];

    /// <summary>Nothing is our own: no loops are detected by address.</summary>
    public static OwnEndpoints None { get; } = new([], []);

    /// <summary>Mail sent there would come back to us.</summary>
    public bool Contains(IPAddress address, int port) => ports.Contains(port) && addresses.Contains(address);

    /// <summary>We receive mail on this port.</summary>
    public bool HasPort(int port) => ports.Contains(port);
}
