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

    /// <summary>Children that write as the user of the tests whatever user they are to be, so that the tests need not be root.</summary>
    public static TestProcesses AnyUser => new(ServeAnyUserAsync);

    public bool ArePrivileged { get; init; } = true;

    /// <summary>How many were started.</summary>
    public int Count => children.Count;

    public async ValueTask<Stream> OpenAsync(uint uid, uint gid, string name, CancellationToken cancellationToken)
    {
        var (near, far) = await PairAsync(cancellationToken);
        children.Add(ServeAsync(far));
        return near;
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await Task.WhenAll(children).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ending.Dispose();
    }

    private static async Task ServeAnyUserAsync(Stream stream, CancellationToken cancellationToken)
    {
        var (near, far) = await PairAsync(cancellationToken);
        var child = DeliveryChild.RunAsync(far, TimeProvider.System, cancellationToken);
        var answers = near.CopyToAsync(stream, cancellationToken);
        await using (near)
        await using (far)
        {
            while (await DeliveryFrame.ReadAsync(stream, cancellationToken) is { } frame)
            {
                if (frame.Kind == FrameKind.Deliver)
                {
                    var (order, length, content) = frame.ReadOrder();
                    order = order with { Uid = Libc.EffectiveUid, Gid = Libc.EffectiveGid };
                    frame = DeliveryFrame.ForOrder(frame.Id, order, length, content);
                }

                await frame.WriteAsync(near, cancellationToken);
            }
        }

        await Task.WhenAll(child, answers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task<(Stream Near, Stream Far)> PairAsync(CancellationToken cancellationToken)
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        var near = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await near.ConnectAsync(listener.LocalEndPoint!, cancellationToken);
        var far = await listener.AcceptAsync(cancellationToken);
        File.Delete(path);
        return (new NetworkStream(near, ownsSocket: true), new NetworkStream(far, ownsSocket: true));
    }

    private async Task ServeAsync(Stream stream)
    {
        await using (stream)
        {
            await serve(stream, ending.Token);
        }
    }
}
