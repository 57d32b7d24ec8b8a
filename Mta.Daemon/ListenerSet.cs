using System.Net;
using System.Net.Sockets;
using Mta.Core.Config;

namespace Mta.Daemon;

/// <summary>
/// The sockets that master listens on. They stay open while services come and go, so that a client that connects meanwhile waits
/// instead of being refused; a reload binds what is new, closes what is gone, and leaves the rest alone.
/// </summary>
internal sealed class ListenerSet : IDisposable
{
    // As much as the kernel allows (net.core.somaxconn cuts it).
    private const int Backlog = 4096;

    private Dictionary<(string Service, IPEndPoint Address), Socket> sockets = [];

    public IReadOnlyList<ServiceListener> All => [.. sockets.Select(s => new ServiceListener(s.Key.Service, s.Value))];

    /// <summary>
    /// Binds what the configuration has and is not bound yet. All or nothing: when one fails, nothing changed and <see cref="MasterException"/>
    /// tells which.
    /// </summary>
    public void Bind(IEnumerable<MasterService> services, Settings settings)
    {
        var wanted = services.Where(s => s.Type == ServiceType.Inet)
            .SelectMany(s => ListenAddresses.Of(s, settings).Select(a => (Service: s.Name, Address: a)))
            .ToList();
        var next = new Dictionary<(string Service, IPEndPoint Address), Socket>();
        try
        {
            foreach (var key in wanted)
            {
                if (!next.ContainsKey(key))
                {
                    next.Add(key, sockets.GetValueOrDefault(key) ?? Open(key.Address));
                }
            }
        }
        catch (MasterException)
        {
            foreach (var (key, socket) in next.Where(n => !sockets.ContainsKey(n.Key)))
            {
                socket.Dispose();
            }

            throw;
        }

        foreach (var (key, socket) in sockets.Where(s => !next.ContainsKey(s.Key)))
        {
            socket.Dispose();
        }

        sockets = next;
    }

    public void Dispose()
    {
        foreach (var socket in sockets.Values)
        {
            socket.Dispose();
        }

        sockets = [];
    }

    private static Socket Open(IPEndPoint address)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.AddressFamily == AddressFamily.InterNetworkV6)
            {
                // IPv4 has a socket of its own, as inet_protocols says.
                socket.DualMode = false;
            }

            socket.Bind(address);
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new MasterException($"bind {address.Address} port {address.Port}: {Reason(e)}");
        }
    }

    // What bind(2) says, in the words of the C library, which log watchers look for.
    private static string Reason(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => "Address already in use",
        SocketError.AccessDenied => "Permission denied",
        SocketError.AddressNotAvailable => "Cannot assign requested address",
        _ => e.Message,
    };
}
