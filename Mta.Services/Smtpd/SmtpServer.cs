using System.Net;
using System.Net.Sockets;
using Mta.Core.Config;
using Mta.Services.Anvil;
using Mta.Services.Net;

namespace Mta.Services.Smtpd;

/// <summary>
/// smtpd(8): the SMTP server of one master.cf service.
/// <para>
/// It takes connections from listening sockets that the daemon has bound, and speaks SMTP with each client until the client leaves, is too
/// slow, or makes too many errors. Mail that the restrictions let through goes to cleanup; the client is told that a message is queued
/// only after cleanup has it on disk. A reload gives new sessions the new configuration; open ones end under theirs.
/// </para>
/// <para>
/// Fatal: nothing; a configuration that cannot be used is refused before it is taken. Warned of: connections that cannot be accepted,
/// too many connections of a client, commands that are none, illegal addresses, a certificate that cannot be loaded.
/// </para>
/// <para>
/// Limits: no AUTH, no milters, no policy service, no proxy filter; a restriction that is not in
/// <see cref="Restrictions.RestrictionTable"/> is refused with the configuration. Counts of connections are those of this process.
/// </para>
/// See also: cleanup(8), trivial-rewrite(8), anvil(8), access(5), RFC 5321, 1870, 2034, 2920, 3030, 3207, 3461, 6152, 6531.
/// </summary>
public sealed class SmtpServer : IAsyncDisposable
{
    private readonly SmtpdEnvironment environment;
    private readonly SmtpServerOptions options;
    private readonly ClientNames names;
    private readonly ConnectionCounts connections = new();
    private readonly CancellationTokenSource stop = new();
    private readonly SemaphoreSlim places;
    private readonly HashSet<Task> sessions = [];
    private readonly List<Task> acceptLoops = [];
    private volatile SmtpdConfig config;

    /// <exception cref="SmtpdConfigException">The configuration cannot be used.</exception>
    public SmtpServer(SmtpdEnvironment environment, SmtpServerOptions options, SmtpdSnapshot snapshot)
    {
        this.environment = environment;
        this.options = options;
        names = new ClientNames(environment.Hosts, environment.Dns, environment.Log, environment.Time);
        places = new SemaphoreSlim(options.MaximumSessions);
        config = Compile(snapshot);
    }

    /// <summary>Sessions that are open.</summary>
    public int SessionCount
    {
        get
        {
            lock (sessions)
            {
                return sessions.Count;
            }
        }
    }

    /// <summary>Begins to accept. The sockets are listening; the server closes them when it stops.</summary>
    public void Start(IReadOnlyList<Socket> listeners)
    {
        foreach (var listener in listeners)
        {
            acceptLoops.Add(Task.Run(() => AcceptAsync(listener)));
        }
    }

    /// <summary>New sessions take the new configuration from here on.</summary>
    /// <exception cref="SmtpdConfigException">It cannot be used; the old one stays.</exception>
    public void Reload(SmtpdSnapshot snapshot) => Prepare(snapshot)();

    /// <summary>
    /// The first half of <see cref="Reload"/>, for several servers that change together or not at all: running the result is the second.
    /// </summary>
    /// <exception cref="SmtpdConfigException">The configuration cannot be used.</exception>
    public Action Prepare(SmtpdSnapshot snapshot)
    {
        var prepared = Compile(snapshot);
        return () => config = prepared;
    }

    /// <summary>Stops accepting and ends the sessions: those that wait for a command get 421, a commit under way is waited for.</summary>
    public async Task StopAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(acceptLoops).ConfigureAwait(false);
        Task[] open;
        lock (sessions)
        {
            open = [.. sessions];
        }

        await Task.WhenAll(open).ConfigureAwait(false);
    }

    /// <summary>One session over a pair of streams (<c>sendmail -bs</c>): the user's own mail, without restrictions.</summary>
    public async Task ServeAsync(Stream input, Stream output, CancellationToken cancellationToken)
    {
        var client = new ClientInfo(IPAddress.Loopback, 0, new ClientName("localhost", "localhost"), logPort: false);
        using var session = new SmtpdSession(environment, config, new PipeClientStream(input, output), client, options.Tag)
        {
            StandAlone = true,
        };
        await session.RunAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        stop.Dispose();
        places.Dispose();
    }

    private SmtpdConfig Compile(SmtpdSnapshot snapshot)
    {
        SmtpdConfig compiled;
        try
        {
            compiled = new SmtpdConfig(snapshot, environment.Tables);
        }
        catch (SettingsException e)
        {
            throw new SmtpdConfigException(e.Message);
        }

        if (compiled.Tls.Problem is { } problem)
        {
            environment.Log.Warning(options.Tag, $"{problem}");
        }

        return compiled;
    }

    private async Task AcceptAsync(Socket listener)
    {
        using (listener)
        {
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    // Above the limit clients wait in the listen queue, as they wait for a free smtpd process with Postfix.
                    await places.WaitAsync(stop.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    return;
                }

                var socket = await AcceptOneAsync(listener).ConfigureAwait(false);
                if (socket is null)
                {
                    places.Release();
                }
                else
                {
                    Begin(socket);
                }
            }
        }
    }

    private async ValueTask<Socket?> AcceptOneAsync(Socket listener)
    {
        try
        {
            return await listener.AcceptAsync(stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            return null;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted)
        {
            return null;
        }
        catch (SocketException e)
        {
            // Out of descriptors or memory: sessions that end make room.
            environment.Log.Warning(options.Tag, $"accept connection: {e.Message}");
            await Task.Delay(TimeSpan.FromSeconds(1), environment.Time).ConfigureAwait(false);
            return null;
        }
    }

    private void Begin(Socket socket)
    {
        var task = ServeAsync(socket);
        lock (sessions)
        {
            sessions.Add(task);
        }

        _ = task.ContinueWith(
            (ended, state) =>
            {
                var server = (SmtpServer)state!;
                lock (server.sessions)
                {
                    server.sessions.Remove(ended);
                }

                server.places.Release();
            },
            this,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private async Task ServeAsync(Socket socket)
    {
        // Off the accept loop at once.
        await Task.Yield();
        var current = config;
        using var connection = new SocketConnection(socket, environment.Deadlines);
        try
        {
            if (socket.RemoteEndPoint is not IPEndPoint peer)
            {
                return;
            }

            var address = peer.Address.IsIPv4MappedToIPv6 ? peer.Address.MapToIPv4() : peer.Address;
            var network = ConnectionCounts.NetworkOf(address, current.Ipv4PrefixLength, current.Ipv6PrefixLength);
            var count = connections.Enter(network);
            try
            {
                await ServeAsync(current, connection, address, peer.Port, count).ConfigureAwait(false);
            }
            finally
            {
                connections.Leave(network);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Gone before it was looked at.
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
#pragma warning disable CA1031 // Our own bug must cost this one session only, and be seen.
        catch (Exception e)
        {
            environment.Log.Panic(options.Tag, $"session ended by an internal error: {e}");
        }
#pragma warning restore CA1031
    }

    private async ValueTask ServeAsync(SmtpdConfig current, SocketConnection connection, IPAddress address, int port, int count)
    {
        var name = current.PeernameLookup ? await names.FindAsync(address, options.Tag, stop.Token).ConfigureAwait(false) : default;
        var client = new ClientInfo(address, port, name, current.LogClientPort);
        using var session = new SmtpdSession(environment, current, new NetworkClientStream(connection), client, options.Tag);
        if (current.ConnectionCountLimit > 0
            && count > current.ConnectionCountLimit
            && !(await current.EventLimitExceptions.MatchAsync(client.Name, address, stop.Token).ConfigureAwait(false)).IsFound)
        {
            await session.RefuseConnectionAsync(count, options.ServiceName, stop.Token).ConfigureAwait(false);
            return;
        }

        await session.RunAsync(stop.Token).ConfigureAwait(false);
    }
}

/// <summary>What a server is told once, by its line in master.cf.</summary>
public sealed class SmtpServerOptions
{
    /// <summary>The log's name of the service: <c>smtpd</c>, <c>submission/smtpd</c>.</summary>
    public string Tag { get; init; } = "smtpd";

    /// <summary>The first field in master.cf, for warnings about limits.</summary>
    public string ServiceName { get; init; } = "smtp";

    /// <summary>Sessions at a time (the maxproc field); more wait in the listen queue.</summary>
    public int MaximumSessions { get; init; } = 100;
}
