using System.Net;
using System.Net.Sockets;
using Mta.Core.Config;

namespace Mta.Daemon;

/// <summary>The addresses that an inet service of master.cf listens on, by inet_interfaces and inet_protocols.</summary>
internal static class ListenAddresses
{
    /// <summary>Throws <see cref="MasterException"/> for a name that has no address.</summary>
    public static List<IPEndPoint> Of(MasterService service, Settings settings)
    {
        var endpoint = service.Endpoint!;
        var protocols = ValueList.Split(settings.Get(Parameters.InetProtocols));
        var all = protocols.Contains("all");
        var v4 = all || protocols.Contains("ipv4");
        var v6 = (all || protocols.Contains("ipv6")) && Socket.OSSupportsIPv6;
        var addresses = new List<IPEndPoint>();
        var hosts = endpoint.Host.Length > 0 ? [endpoint.Host] : ValueList.Split(settings.Get(Parameters.InetInterfaces));
        foreach (var host in hosts)
        {
            foreach (var address in Resolve(host, service.Name))
            {
                var wanted = address.AddressFamily == AddressFamily.InterNetworkV6 ? v6 : v4;
                var point = new IPEndPoint(address, endpoint.Port);
                if (wanted && !addresses.Contains(point))
                {
                    addresses.Add(point);
                }
            }
        }

        return addresses.Count > 0 ? addresses : throw new MasterException($"no address to listen on for service {service.Name} (inet_interfaces, inet_protocols)");
    }

    private static IPAddress[] Resolve(string host, string service)
    {
        switch (host)
        {
            case "all":
                return [IPAddress.Any, IPAddress.IPv6Any];
            case "loopback-only":
                return [IPAddress.Loopback, IPAddress.IPv6Loopback];
        }

        if (IPAddress.TryParse(host.Trim('[', ']'), out var address))
        {
            return [address];
        }

        try
        {
            return Dns.GetHostAddresses(host);
        }
        catch (SocketException e)
        {
            throw new MasterException($"host not found: {host}, for service {service}: {e.Message}");
        }
    }
}
