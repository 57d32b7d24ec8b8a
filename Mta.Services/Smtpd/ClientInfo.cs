using System.Net;
using System.Net.Sockets;

namespace Mta.Services.Smtpd;

/// <summary>Who is at the other end, as the log, the Received header and the restrictions see it.</summary>
internal sealed class ClientInfo
{
    public ClientInfo(IPAddress address, int port, ClientName name, bool logPort)
    {
        IpAddress = address;
        Port = port;
        Address = address.ToString();
        Name = name.Verified ?? "unknown";
        ReverseName = name.Reverse;
        IsNameUncertain = name.IsUncertain;
        Tag = logPort ? $"{Name}[{Address}]:{port}" : $"{Name}[{Address}]";
        AddressLiteral = address.AddressFamily == AddressFamily.InterNetworkV6 ? "IPv6:" + Address : Address;
    }

    public IPAddress IpAddress { get; }

    public string Address { get; }

    public int Port { get; }

    /// <summary>The name that the address and back agree on; <c>unknown</c> when they do not.</summary>
    public string Name { get; }

    /// <summary>What PTR says, confirmed or not; null when nothing.</summary>
    public string? ReverseName { get; }

    /// <summary>The DNS failed on the way to <see cref="Name"/>: it may be there another time.</summary>
    public bool IsNameUncertain { get; }

    /// <summary><c>name[address]</c>, as in the log.</summary>
    public string Tag { get; }

    /// <summary>The address inside the brackets of RFC 5321 section 4.1.3.</summary>
    public string AddressLiteral { get; }
}

/// <param name="Verified">The name when it resolves back to the address; null otherwise.</param>
/// <param name="Reverse">What PTR says; null when nothing.</param>
/// <param name="IsUncertain">The DNS failed where a name is missing.</param>
internal readonly record struct ClientName(string? Verified, string? Reverse, bool IsUncertain = false);
