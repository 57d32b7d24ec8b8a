using System.Net;
using System.Net.Sockets;
using Mta.Core.Config;
using Mta.Core.Lookup;

namespace Mta.Services.Net;

/// <summary>The addresses at which this system receives mail: inet_interfaces and, behind a translator, proxy_interfaces.</summary>
public static class OwnAddresses
{
    public static IReadOnlyCollection<IPAddress> From(Settings settings)
    {
        var addresses = new HashSet<IPAddress>();
        foreach (var token in new ListTokens(settings.Get(Parameters.InetInterfaces)))
        {
            switch (token)
            {
                case "all":
                    addresses.UnionWith(settings.Host.Interfaces.Select(i => i.Address));
                    break;
                case "loopback-only":
                    addresses.Add(IPAddress.Loopback);
                    addresses.Add(IPAddress.IPv6Loopback);
                    break;
                default:
                    addresses.UnionWith(Resolve(token.ToString()));
                    break;
            }
        }

        foreach (var token in new ListTokens(settings.Get(Parameters.ProxyInterfaces)))
        {
            addresses.UnionWith(Resolve(token.ToString()));
        }

        return addresses;
    }

    /// <summary>Names are looked up while the service starts; one that has no address adds none.</summary>
    private static IPAddress[] Resolve(string name)
    {
        if (IPAddress.TryParse(name.Trim('[', ']'), out var address))
        {
            return [address];
        }

        try
        {
            return System.Net.Dns.GetHostAddresses(name);
        }
        catch (SocketException)
        {
            return [];
        }
    }
}
