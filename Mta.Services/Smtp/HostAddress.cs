using System.Net;
using System.Net.Sockets;

namespace Mta.Services.Smtp;

/// <summary>One address to connect to, and its names in log lines.</summary>
internal sealed class HostAddress
{
    private HostAddress(string host, EndPoint endPoint, string address, int port)
    {
        Host = host;
        EndPoint = endPoint;
        NameAddress = $"{host}[{address}]";
        Relay = port == 0 ? NameAddress : $"{NameAddress}:{port}";
        Port = port;
    }

    public string Host { get; }

    public EndPoint EndPoint { get; }

    /// <summary>Zero for a Unix socket.</summary>
    public int Port { get; }

    /// <summary><c>host[address]</c>, as texts about a conversation have it.</summary>
    public string NameAddress { get; }

    /// <summary><c>host[address]:port</c>, as the relay= part and texts about a connection have it.</summary>
    public string Relay { get; }

    /// <summary>The preference of the mail exchanger; 0 when there is none.</summary>
    public int Preference { get; private init; }

    public bool IsIPv6 => EndPoint.AddressFamily == AddressFamily.InterNetworkV6;

    public static HostAddress Tcp(string host, IPAddress address, int port, int preference = 0) =>
        new(host, new IPEndPoint(address, port), address.ToString(), port) { Preference = preference };

    public static HostAddress Unix(string myHostname, string path) => new(myHostname, new UnixDomainSocketEndPoint(path), path, 0);
}
