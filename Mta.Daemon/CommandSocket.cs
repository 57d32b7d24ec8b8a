using System.Net.Sockets;
using System.Text;

namespace Mta.Daemon;

/// <summary>
/// A socket on which master takes <c>reload</c> from the postfix command and answers <c>ok</c> or lines with what is wrong: a signal
/// could not say so. Only the owner of the instance can open it.
/// </summary>
internal sealed class CommandSocket : IAsyncDisposable
{
    private readonly string path;
    private readonly Socket socket;
    private readonly Func<Task<string?>> reload;
    private readonly CancellationTokenSource closing = new();
    private readonly Task accepting;

    private CommandSocket(string path, Socket socket, Func<Task<string?>> reload)
    {
        this.path = path;
        this.socket = socket;
        this.reload = reload;
        accepting = AcceptAsync();
    }

    /// <summary>Null when the path is too long for a socket; reload is by signal only then.</summary>
    public static CommandSocket? Open(string path, Func<Task<string?>> reload)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            File.Delete(path);
            socket.Bind(new UnixDomainSocketEndPoint(path));
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            socket.Listen();
            return new CommandSocket(path, socket, reload);
        }
        catch (Exception e) when (e is SocketException or ArgumentException or IOException)
        {
            socket.Dispose();
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync().ConfigureAwait(false);
        await accepting.ConfigureAwait(false);
        socket.Dispose();
        closing.Dispose();
        File.Delete(path);
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                using var client = await socket.AcceptAsync(closing.Token).ConfigureAwait(false);
                await ServeAsync(client).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // A client that went away.
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(closing.Token);
        limit.CancelAfter(TimeSpan.FromSeconds(5));
        var buffer = new byte[64];
        int length;
        try
        {
            length = await client.ReceiveAsync(buffer, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!closing.IsCancellationRequested)
        {
            return;
        }

        var problem = Encoding.ASCII.GetString(buffer, 0, length).Trim() == "reload" ? await reload().ConfigureAwait(false) : "unknown command";
        await client.SendAsync(Encoding.UTF8.GetBytes((problem ?? "ok") + "\n"), closing.Token).ConfigureAwait(false);
    }
}
