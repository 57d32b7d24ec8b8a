using System.Collections;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Mta.Core.Config;

namespace Mta.Services.Configuration;

/// <summary>Asks the system what <see cref="HostFacts"/> holds.</summary>
public static class HostInformation
{
    public static HostFacts Gather(string processName) => new()
    {
        HostName = HostName(),
        Interfaces = new LazyAddresses(),
        AddressesOf = AddressesOf,
        ProcessName = processName,
        ProcessId = Environment.ProcessId,
    };

    /// <summary>With its domain where it has one, which Environment.MachineName cuts off.</summary>
    private static string HostName()
    {
        try
        {
            return System.Net.Dns.GetHostName();
        }
        catch (SocketException)
        {
            return "localhost";
        }
    }

    /// <summary>The text of the file that names ports; empty when there is none.</summary>
    public static async Task<string> ReadServiceNamesAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllTextAsync("/etc/services", cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static IPAddress[] AddressesOf(string name)
    {
        try
        {
            return System.Net.Dns.GetHostAddresses(name);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            return [];
        }
    }

    /// <summary>The addresses of the interfaces that are up; none where the system does not tell.</summary>
    private static List<InterfaceAddress> Addresses()
    {
        var addresses = new List<InterfaceAddress>();
        try
        {
            foreach (var network in NetworkInterface.GetAllNetworkInterfaces())
            {
                // The loopback interface is "unknown", not "up".
                if (network.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown)
                {
                    foreach (var unicast in network.GetIPProperties().UnicastAddresses)
                    {
                        // An address of IPv6 carries the interface's number, which is no part of it.
                        addresses.Add(new InterfaceAddress(new(unicast.Address.GetAddressBytes()), unicast.PrefixLength));
                    }
                }
            }
        }
        catch (NetworkInformationException)
        {
            return [.. HostFacts.Loopback.Interfaces];
        }

        return addresses;
    }

    /// <summary>Listing the interfaces takes longer than all else that a command does, and few commands need them.</summary>
    private sealed class LazyAddresses : IReadOnlyList<InterfaceAddress>
    {
        private readonly Lazy<List<InterfaceAddress>> addresses = new(Addresses);

        public int Count => addresses.Value.Count;

        public InterfaceAddress this[int index] => addresses.Value[index];

        public IEnumerator<InterfaceAddress> GetEnumerator() => addresses.Value.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
