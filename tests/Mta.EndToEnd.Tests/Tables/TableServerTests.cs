using System.Net;
using System.Net.Sockets;
using Mta.EndToEnd.Tests.Postmap;
using Mta.Services.Clients;
using Mta.Services.Maps;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Tables;

/// <summary>tcp: and socketmap: against a server with fixed answers, asked here and by Debian's postmap.</summary>
public sealed class TableServerTests : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly string directory = Directory.CreateTempSubdirectory("mta-tcp-").FullName;

    public TableServerTests() => listener.Start();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public void Dispose()
    {
        listener.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    [Theory]
    [InlineData("tcp", "200 one%20%25two\n", "get a%20%25b\n")]
    [InlineData("tcp", "500 none\n", "get a%20%25b\n")]
    [InlineData("socketmap", "10:OK the val,", "8:map a %b,")]
    [InlineData("socketmap", "9:NOTFOUND ,", "8:map a %b,")]
    [InlineData("socketmap", "11:TEMP broken,", "8:map a %b,")]
    public async Task Servers_are_asked_as_by_Debians(string type, string answer, string request)
    {
        await File.WriteAllTextAsync(Path.Combine(directory, "main.cf"), "compatibility_level = 3.6\n", Stop);
        var reference = type == "tcp" ? $"tcp:127.0.0.1:{Port}" : $"socketmap:inet:127.0.0.1:{Port}:map";
        var server = ServeAsync(answer);
        var theirs = await PostfixCommand.RunAsync("postmap", "-c", directory, "-q", "a %b", reference);
        (await server).ShouldBe(request);

        server = ServeAsync(answer);
        await using var registry = new TableRegistry(new MailLog(new Silence()), TimeProvider.System);
        var ours = await registry.Open(reference).FindAsync("a %b", Stop);
        (await server).ShouldBe(request);
        (ours.IsFound ? ours.Value + "\n" : "").ShouldBe(theirs.Output);
        ours.IsFailed.ShouldBe(theirs.Error.Contains("fatal:"), theirs.Error);
    }

    [Fact]
    public async Task A_server_that_is_away_fails_the_lookup()
    {
        var port = Port;
        listener.Stop();
        await using var registry = new TableRegistry(new MailLog(new Silence()), TimeProvider.System);
        (await registry.Open($"tcp:127.0.0.1:{port}").FindAsync("k", Stop)).IsFailed.ShouldBeTrue();
        (await registry.Open("socketmap:foo").FindAsync("k", Stop)).IsFailed.ShouldBeTrue();
    }

    private async Task<string> ServeAsync(string answer)
    {
        using var client = await listener.AcceptSocketAsync(Stop);
        var buffer = new byte[1000];
        var length = await client.ReceiveAsync(buffer.AsMemory(), Stop);
        await client.SendAsync(System.Text.Encoding.ASCII.GetBytes(answer), Stop);
        return System.Text.Encoding.ASCII.GetString(buffer, 0, length);
    }

    private sealed class Silence : ILogSink
    {
        public void Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text)
        {
        }
    }
}
