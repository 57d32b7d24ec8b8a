using System.Net;

namespace Mta.Core.Config;

/// <summary>An address of this host and the length of its network's prefix in bits.</summary>
public sealed record InterfaceAddress(IPAddress Address, int PrefixLength);

/// <summary>What the configuration has to know of the host; gathered by the program, because Core asks the system nothing.</summary>
public sealed record HostFacts
{
    /// <summary>A host that knows only itself: what tests and single values are computed with.</summary>
    public static readonly HostFacts Loopback = new()
    {
        HostName = "localhost",
        Interfaces = [new(IPAddress.Loopback, 8), new(IPAddress.IPv6Loopback, 128)],
    };

    /// <summary>The name that the system gives itself, with or without a domain.</summary>
    public required string HostName { get; init; }

    /// <summary>The addresses of the interfaces that are up.</summary>
    public required IReadOnlyList<InterfaceAddress> Interfaces { get; init; }

    /// <summary>The addresses of a name in inet_interfaces; none when the name is not known.</summary>
    public Func<string, IReadOnlyList<IPAddress>> AddressesOf { get; init; } = _ => [];

    /// <summary>The value of <c>process_name</c>.</summary>
    public string ProcessName { get; init; } = "";

    /// <summary>The value of <c>process_id</c>.</summary>
    public int ProcessId { get; init; }
}
