using System.Net;
using System.Net.Sockets;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>A mail server that takes connections and never says a word; when it ends, its clients are cut off and its port is free.</summary>
internal sealed class BlockedDestination : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);

    public BlockedDestination() => listener.Start(backlog: 200);

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public void Dispose() => listener.Dispose();
}
