using System.Net.Sockets;
using System.Text;
using Mta.Services.Clients;

namespace Mta.Services.Net;

/// <summary>Answers one request: a line of words, and the number of the user who sends it.</summary>
internal delegate Task LocalRequestHandler(string request, uint uid, Stream answer, CancellationToken cancellationToken);

/// <summary>
/// Serves requests of commands at a socket of <c>$queue_directory/public</c>. A request is one line; the answer begins with a line that is
/// <c>ok</c> or says why not, and ends with the connection. Any local user may connect: each handler decides whom it answers.
/// </summary>
internal sealed class LocalServer : IAsyncDisposable
{
    private const int MaximumClients = 50;
    private const int LongestRequest = 1024;
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(10);

    private readonly Socket listener;
    private readonly LocalRequestHandler handler;
    private readonly MailLog log;
    private readonly string tag;
    private readonly CancellationTokenSource stop = new();
    private readonly SemaphoreSlim clients = new(MaximumClients);
    private readonly Task accepting;

    private LocalServer(Socket listener, LocalRequestHandler handler, MailLog log, string tag)
    {
        this.listener = listener;
        this.handler = handler;
        this.log = log;
        this.tag = tag;
        accepting = AcceptAsync();
    }

    /// <summary>Null, with a warning, when the socket cannot be made.</summary>
    public static LocalServer? Start(string path, LocalRequestHandler handler, MailLog log, string tag)
    {
        try
        {
            return new LocalServer(LocalEndpoint.Listen(path), handler, log, tag);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException or ArgumentException)
        {
            log.Warning(tag, $"cannot serve {path}: {e.Message}");
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        listener.Dispose();
        await accepting.ConfigureAwait(false);
        for (var i = 0; i < MaximumClients; i++)
        {
            await clients.WaitAsync().ConfigureAwait(false);
        }

        clients.Dispose();
        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                await clients.WaitAsync(stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            try
            {
                _ = ServeAsync(await listener.AcceptAsync(stop.Token).ConfigureAwait(false));
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                clients.Release();
                if (stop.IsCancellationRequested)
                {
                    return;
                }
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        try
        {
            await using var stream = new NetworkStream(client, ownsSocket: true);
            if (await ReadRequestAsync(stream).ConfigureAwait(false) is { } request)
            {
                await handler(request, LocalEndpoint.PeerUser(client), stream, stop.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            // The client went away, or we stop.
        }
        catch (Exception e)
        {
            log.Panic(tag, $"request ended by an internal error: {e.ToString()}");
        }
        finally
        {
            clients.Release();
        }
    }

    private async Task<string?> ReadRequestAsync(NetworkStream stream)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        limit.CancelAfter(RequestLimit);
        var buffer = new byte[LongestRequest];
        var length = 0;
        while (length < buffer.Length)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length), limit.Token).ConfigureAwait(false);
            if (read == 0)
            {
                return null;
            }

            length += read;
            if (buffer.AsSpan(0, length).IndexOf((byte)'\n') is var end and >= 0)
            {
                return Encoding.UTF8.GetString(buffer, 0, end);
            }
        }

        return null;
    }
}
