using System.Net;
using System.Net.Sockets;

namespace Mta.Services.Anvil;

/// <summary>Counts the open connections of each client network of one service, in this process.</summary>
public sealed class ConnectionCounts
{
    private readonly Lock gate = new();
    private readonly Dictionary<UInt128, int> counts = [];

    /// <summary>Counts a new connection and returns how many its network has with it.</summary>
    public int Enter(UInt128 network)
    {
        lock (gate)
        {
            return counts[network] = counts.GetValueOrDefault(network) + 1;
        }
    }

    public void Leave(UInt128 network)
    {
        lock (gate)
        {
            var left = counts.GetValueOrDefault(network) - 1;
            if (left > 0)
            {
                counts[network] = left;
            }
            else
            {
                counts.Remove(network);
            }
        }
    }

    /// <summary>
    /// The network of a client: its address without the bits after the prefix. IPv4 is kept apart from IPv6 as ::ffff:0:0/96.
    /// </summary>
    public static UInt128 NetworkOf(IPAddress address, int ipv4PrefixLength, int ipv6PrefixLength)
    {
        Span<byte> bytes = stackalloc byte[16];
        var prefix = ipv6PrefixLength;
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            bytes.Clear();
            bytes[10] = bytes[11] = 0xFF;
            address.TryWriteBytes(bytes[12..], out _);
            prefix = 96 + ipv4PrefixLength;
        }
        else
        {
            address.TryWriteBytes(bytes, out _);
        }

        var value = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return prefix is <= 0 ? 0 : prefix >= 128 ? value : value >> (128 - prefix) << (128 - prefix);
    }
}
