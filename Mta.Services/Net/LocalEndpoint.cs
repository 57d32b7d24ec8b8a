using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Mta.Services.Net;

/// <summary>The Unix sockets under <c>$queue_directory/public</c> by which commands reach the running system.</summary>
internal static class LocalEndpoint
{
    private const int SocketLevel = 1;
    private const int PeerCredentials = 17;

    /// <summary>The path of a service's socket.</summary>
    public static string Path(string queueDirectory, string service) => System.IO.Path.Combine(queueDirectory, "public", service);

    /// <summary>Listens for every local user; a socket that a dead process left behind is replaced.</summary>
    public static Socket Listen(string path)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.Delete(path);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));
            File.SetUnixFileMode(path, (UnixFileMode)0b110_110_110);
            socket.Listen(128);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Throws <see cref="SocketException"/> when nobody listens.</summary>
    public static async Task<Socket> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The user at the other end, by the kernel's word.</summary>
    public static uint PeerUser(Socket socket)
    {
        // struct ucred: pid, uid, gid.
        Span<int> credentials = stackalloc int[3];
        socket.GetRawSocketOption(SocketLevel, PeerCredentials, MemoryMarshal.AsBytes(credentials));
        return (uint)credentials[1];
    }
}
