using System.Net;
using System.Net.Sockets;
using System.Text;
using Mta.Services.Net;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Net;

public sealed class SocketConnectionTests : IDisposable
{
    private readonly DeadlineSweeper sweeper = new(TimeProvider.System);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => sweeper.Dispose();

    [Fact]
    public async Task Bytes_go_both_ways()
    {
        var (a, b) = await PairAsync();
        using (a)
        using (b)
        {
            (await a.SendAsync("hello"u8.ToArray(), Token)).ShouldBeTrue();
            var buffer = new byte[16];
            var count = await b.ReceiveAsync(buffer, Token);
            Encoding.ASCII.GetString(buffer, 0, count).ShouldBe("hello");
        }
    }

    [Fact]
    public async Task Receive_ends_at_the_deadline_and_a_last_reply_can_still_be_sent()
    {
        var (a, b) = await PairAsync();
        using (a)
        using (b)
        {
            a.SetDeadline(TimeSpan.FromMilliseconds(10));
            (await a.ReceiveAsync(new byte[16], Token)).ShouldBe(0);
            a.TimedOut.ShouldBeTrue();
            a.SetDeadline(TimeSpan.FromSeconds(10));
            (await a.SendAsync("421 bye\r\n"u8.ToArray(), Token)).ShouldBeTrue();
            (await b.ReceiveAsync(new byte[16], Token)).ShouldBe(9);
        }
    }

    [Fact]
    public async Task Send_to_a_peer_that_does_not_read_fails_at_the_deadline()
    {
        var (a, b) = await PairAsync();
        using (a)
        using (b)
        {
            a.SetDeadline(TimeSpan.FromMilliseconds(10));
            (await a.SendAsync(new byte[64 << 20], Token)).ShouldBeFalse();
            a.TimedOut.ShouldBeTrue();
        }
    }

    [Fact]
    public async Task A_peer_that_is_gone_is_an_outcome()
    {
        var (a, b) = await PairAsync();
        using (a)
        {
            b.Socket.LingerState = new LingerOption(true, 0);
            b.Dispose();
            (await a.ReceiveAsync(new byte[16], Token)).ShouldBe(0);
            a.TimedOut.ShouldBeFalse();
        }
    }

    private async Task<(SocketConnection, SocketConnection)> PairAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndPoint!, Token);
        return (new SocketConnection(client, sweeper), new SocketConnection(await listener.AcceptAsync(Token), sweeper));
    }
}
