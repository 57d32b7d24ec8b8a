using System.Collections.Frozen;
using System.Globalization;

namespace Mta.Core.Config;

/// <summary>A host, empty for all of inet_interfaces, and a port.</summary>
public sealed record InetEndpoint(string Host, int Port)
{
    /// <summary>The ports that services are commonly named by; <c>known_tcp_ports</c> adds to them.</summary>
    public static readonly FrozenDictionary<string, int> CommonPorts = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase)
    {
        ["smtp"] = 25,
        ["lmtp"] = 24,
        ["smtps"] = 465,
        ["submissions"] = 465,
        ["submission"] = 587,
        ["qmqp"] = 628,
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads <c>port</c>, <c>host:port</c> or <c>[address]:port</c>; the port is a number or a name. 0 means any free port.</summary>
    public static InetEndpoint? Parse(string text, IReadOnlyDictionary<string, int> ports, out string? error)
    {
        error = null;
        var colon = text.LastIndexOf(':');
        var host = colon < 0 ? "" : text[..colon];
        var service = text[(colon + 1)..];
        if (host.StartsWith('['))
        {
            if (!host.EndsWith(']'))
            {
                error = $"bad host or port: \"{text}\" (write [address]:port)";
                return null;
            }

            host = host[1..^1];
        }
        else if (host.Contains(':'))
        {
            error = $"bad host or port: \"{text}\" (write an IPv6 address as [address]:port)";
            return null;
        }

        var isNumber = int.TryParse(service, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= 65535;
        if (isNumber || ports.TryGetValue(service, out port))
        {
            return new InetEndpoint(host, port);
        }

        error = $"unknown port: \"{service}\" (write its number, or name it in known_tcp_ports or /etc/services)";
        return null;
    }

    /// <summary>The common ports, those of the host's <c>/etc/services</c>, and before them those of <c>known_tcp_ports</c>, such as <c>smtps=submissions=465</c>.</summary>
    /// <param name="servicesFile">The text of /etc/services; empty when there is none.</param>
    public static IReadOnlyDictionary<string, int> KnownPorts(string knownTcpPorts, string servicesFile = "")
    {
        var ports = new Dictionary<string, int>(CommonPorts, StringComparer.OrdinalIgnoreCase);
        foreach (var line in servicesFile.Split('\n'))
        {
            // name port/protocol aliases # comment
            var words = line.Split('#')[0].Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length >= 2 && words[1].Split('/') is [var number, "tcp"])
            {
                Add(number, words.Where((_, i) => i != 1));
            }
        }

        foreach (var element in ValueList.Split(knownTcpPorts))
        {
            var names = element.Split('=');
            Add(names[^1], names.SkipLast(1));
        }

        return ports;

        void Add(string number, IEnumerable<string> names)
        {
            if (int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535)
            {
                foreach (var name in names)
                {
                    ports[name] = port;
                }
            }
        }
    }
}
