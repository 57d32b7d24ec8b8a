using System.Net.Sockets;
using Mta.Services.Clients;
using Mta.Services.Mailbox;

namespace Mta.Services.Tests.Mailbox;

/// <summary>Children that are tasks of the test: each serves its stream as <paramref name="serve"/> does.</summary>
internal sealed class TestProcesses(Func<Stream, CancellationToken, Task> serve) : IUserProcesses, IAsyncDisposable
{
    private readonly CancellationTokenSource ending = new();
    private readonly List<Task> children = [];

    /// <summary>Children that do what the program's do.</summary>
    public static TestProcesses Real => new((stream, token) => DeliveryChild.RunAsync(stream, TimeProvider.System, token));

    public bool ArePrivileged { get; init; } = true;

    /// <summary>How many were started.</summary>
    public int Count => children.Count;

    public async ValueTask<Stream> OpenAsync(uint uid, uint gid, string name, CancellationToken cancellationToken)
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        var near = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await near.ConnectAsync(listener.LocalEndPoint!, cancellationToken);
        var far = await listener.AcceptAsync(cancellationToken);
        File.Delete(path);
        children.Add(ServeAsync(new NetworkStream(far, ownsSocket: true)));
        return new NetworkStream(near, ownsSocket: true);
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await Task.WhenAll(children).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ending.Dispose();
    }

    private async Task ServeAsync(Stream stream)
    {
        await using (stream)
        {
            await serve(stream, ending.Token);
        }
    }
}
