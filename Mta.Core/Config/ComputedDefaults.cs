using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Mta.Core.Config;

/// <summary>The defaults that depend on the host and on other parameters.</summary>
internal static class ComputedDefaults
{
    /// <summary>Two parameters that each take their default from the other would never come to an end; no true chain is longer.</summary>
    private const int DepthLimit = 3;

    [ThreadStatic]
    private static int depth;

    /// <summary>The default, or null when the table's text is the default. A value that cannot be expanded counts as empty.</summary>
    public static string? Find(string name, Settings settings, HostFacts host)
    {
        if (depth == DepthLimit)
        {
            return null;
        }

        depth++;
        try
        {
            return name switch
            {
                "myhostname" => MyHostname(settings, host),
                "mydomain" => MyDomain(Text(settings, "myhostname")),
                "mynetworks" => MyNetworks(settings, host),
                "process_name" => host.ProcessName,
                "process_id" => host.ProcessId.ToString(CultureInfo.InvariantCulture),
                _ => null,
            };
        }
        finally
        {
            depth--;
        }
    }

    private static string Text(Settings settings, string name) => settings.Expand(settings.Raw(name) ?? "").Value;

    private static string MyHostname(Settings settings, HostFacts host)
    {
        if (host.HostName.Contains('.'))
        {
            return host.HostName;
        }

        var domain = settings.IsSet("mydomain") ? Text(settings, "mydomain") : "";
        return $"{host.HostName}.{(domain.Length == 0 ? "localdomain" : domain)}";
    }

    private static string MyDomain(string hostname)
    {
        var dot = hostname.IndexOf('.');
        return dot < 0 || dot == hostname.Length - 1 ? "localdomain" : hostname[(dot + 1)..];
    }

    /// <summary>The networks of the addresses that mail is received on, IPv4 first.</summary>
    private static string MyNetworks(Settings settings, HostFacts host)
    {
        var style = Text(settings, "mynetworks_style");
        var networks = new List<string>();
        foreach (var family in (AddressFamily[])[AddressFamily.InterNetwork, AddressFamily.InterNetworkV6])
        {
            foreach (var own in OwnAddresses(settings, host))
            {
                if (own.Address.AddressFamily == family && Network(own, style) is { } network && !networks.Contains(network))
                {
                    networks.Add(network);
                }
            }
        }

        return string.Join(' ', networks);
    }

    /// <summary>The addresses of inet_interfaces and inet_protocols.</summary>
    private static IEnumerable<InterfaceAddress> OwnAddresses(Settings settings, HostFacts host)
    {
        var protocols = ValueList.Split(Text(settings, "inet_protocols"));
        var wanted = new HashSet<IPAddress>();
        bool all = false, loopback = false;
        foreach (var name in ValueList.Split(Text(settings, "inet_interfaces")))
        {
            all |= name == "all";
            loopback |= name is "loopback-only" or "localhost";
            if (name is not ("all" or "loopback-only" or "localhost"))
            {
                wanted.UnionWith(IPAddress.TryParse(name.Trim('[', ']'), out var address) ? [address] : host.AddressesOf(name));
            }
        }

        foreach (var own in host.Interfaces)
        {
            var protocol = own.Address.AddressFamily == AddressFamily.InterNetwork ? "ipv4" : "ipv6";
            var isSpoken = protocols.Contains("all") || protocols.Contains(protocol);
            if (isSpoken && (all || (loopback && IPAddress.IsLoopback(own.Address)) || wanted.Contains(own.Address)))
            {
                yield return own;
            }
        }
    }

    private static string? Network(InterfaceAddress own, string style)
    {
        var bytes = own.Address.GetAddressBytes();
        var prefix = style switch
        {
            "host" => bytes.Length * 8,
            "subnet" => own.PrefixLength,
            // Classes exist for IPv4 only.
            "class" when bytes.Length == 16 => own.PrefixLength,
            "class" => bytes[0] switch { < 128 => 8, < 192 => 16, < 224 => 24, _ => 32 },
            _ => -1,
        };
        if (prefix < 0)
        {
            return null;
        }

        for (var i = 0; i < bytes.Length; i++)
        {
            var kept = Math.Clamp(prefix - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xff << (8 - kept));
        }

        var network = new IPAddress(bytes);
        return bytes.Length == 4 ? $"{network}/{prefix}" : $"[{network}]/{prefix}";
    }
}
