using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>A network of the test's own between a node and its database: it can be cut off loudly (resets) or silently (a black hole).</summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Connection, bool> connections = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly int target;
    private readonly Task accepting;
    private volatile Network network;

    public TcpProxy(int target)
    {
        this.target = target;
        listener.Start();
        accepting = AcceptAsync();
    }

    private enum Network
    {
        Open,
        Refusing,
        Silent,
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Bytes that the black hole has swallowed.</summary>
    public long Swallowed { get; private set; }

    /// <summary>Ends every connection with a reset, and every new one.</summary>
    public void Refuse()
    {
        network = Network.Refusing;
        Reset();
    }

    /// <summary>Takes every byte, in both directions, and passes none on; connections stay. New ones get no answer.</summary>
    public void Swallow() => network = Network.Silent;

    /// <summary>Lets new connections through again, and old ones that have lost nothing.</summary>
    /// <param name="reset">Connections that lost bytes are reset, as by a firewall that has forgotten them; else they stay silent for good.</param>
    public void Heal(bool reset)
    {
        network = Network.Open;
        if (reset)
        {
            Reset(lostOnly: true);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        listener.Stop();
        await accepting;
        Reset();
        stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ConnectAsync(await listener.AcceptSocketAsync(stopping.Token));
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task ConnectAsync(Socket client)
    {
        using var connection = new Connection(client);
        connections[connection] = true;
        try
        {
            if (network == Network.Refusing)
            {
                return;
            }

            await connection.Server.ConnectAsync(IPAddress.Loopback, target, stopping.Token);
            connection.Client.NoDelay = connection.Server.NoDelay = true;
            await Task.WhenAny(PassAsync(connection, client, connection.Server), PassAsync(connection, connection.Server, client));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // The server is not there.
        }
        finally
        {
            connections.TryRemove(connection, out _);
        }
    }

    private async Task PassAsync(Connection connection, Socket from, Socket to)
    {
        var buffer = new byte[65536];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and var count)
            {
                connection.Lost |= network == Network.Silent;
                if (connection.Lost)
                {
                    Swallowed += count;
                }
                else
                {
                    await to.SendAsync(buffer.AsMemory(0, count));
                }
            }

            connection.Lost |= network == Network.Silent;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            connection.Lost |= network == Network.Silent;
        }

        if (connection.Lost)
        {
            // In a black hole the end of one side is not heard of by the other.
            await connection.WasReset.Task;
        }
    }

    private void Reset(bool lostOnly = false)
    {
        foreach (var connection in connections.Keys.Where(c => !lostOnly || c.Lost))
        {
            connection.Dispose();
        }
    }

    private sealed class Connection(Socket client) : IDisposable
    {
        public Socket Client { get; } = client;

        public Socket Server { get; } = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

        public TaskCompletionSource WasReset { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Bytes of it went into the black hole: whatever comes after them is of no use.</summary>
        public bool Lost { get; set; }

        public void Dispose()
        {
            foreach (var socket in (Socket[])[Client, Server])
            {
                try
                {
                    // Closing with this option is a reset.
                    socket.LingerState = new LingerOption(true, 0);
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                }

                socket.Dispose();
            }

            WasReset.TrySetResult();
        }
    }
}
