using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Mta.EndToEnd.Tests.Harness;
using Mta.EndToEnd.Tests.Postmap;
using Mta.Services.Clients;
using Mta.Services.Maps;
using Mta.Testing;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Tables;

/// <summary>memcache: tables over Debian's memcached, asked here and by Debian's postmap.</summary>
public sealed class MemcacheTableTests : IAsyncLifetime
{
    private readonly string directory = Directory.CreateTempSubdirectory("mta-memcache-").FullName;
    private readonly int port = Ports.Free();
    private Process server = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string Server => string.Create(CultureInfo.InvariantCulture, $"memcache = inet:127.0.0.1:{port}\n");

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllTextAsync(Path.Combine(directory, "main.cf"), "compatibility_level = 3.6\n", Stop);
        string[] user = Environment.IsPrivilegedProcess ? ["-u", TestUser.Name] : [];
        server = Process.Start("memcached", [.. user, "-l", "127.0.0.1", "-p", port.ToString(CultureInfo.InvariantCulture), "-U", "0"]);
        await Until.TrueAsync(async () => await AskAsync("version\r\n") is not null, "memcached answers", Stop);
    }

    public async ValueTask DisposeAsync()
    {
        server.Kill();
        await server.WaitForExitAsync();
        server.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    [Theory]
    [InlineData("")]
    [InlineData("key_format = x:%s\n")]
    [InlineData("key_format = %u at %d\n")]
    [InlineData("key_format = %2-%1\n")]
    [InlineData("domain = example.com\n")]
    [InlineData("data_size_limit = 4\nmax_try = 1\n")]
    [InlineData("backup = inline:{ { user@example.com = from backup }, { only@example.com = backup alone } }\n")]
    public async Task Keys_answer_as_with_Debians(string config)
    {
        foreach (var key in (string[])["user@example.com", "x:user@example.com", "User@Example.com", "example-com", "user", "sub.example.com"])
        {
            var value = "of " + key;
            (await AskAsync(string.Create(CultureInfo.InvariantCulture, $"set {key} 0 0 {value.Length}\r\n{value}\r\n"))).ShouldBe("STORED\r\n");
        }

        var file = Path.Combine(directory, "table.cf");
        await File.WriteAllTextAsync(file, Server + config, Stop);
        await TableComparison.AnswersAreAsDebiansAsync(
            directory, "memcache:" + file, ["user@example.com", "User@Example.com", "user", "none@example.com", "user@sub.example.com", "only@example.com", "@example.com", "two words"]);
    }

    [Fact]
    public async Task The_backup_fills_the_cache_and_answers_when_the_cache_is_away()
    {
        var file = Path.Combine(directory, "table.cf");
        await File.WriteAllTextAsync(file, Server + "backup = inline:{ { k = from backup } }\nmax_try = 1\n", Stop);
        await File.WriteAllTextAsync(file + "2", Server + "max_try = 1\n", Stop);
        await using var registry = new TableRegistry(new MailLog(new Silence()), TimeProvider.System);
        var table = registry.Open("memcache:" + file);
        (await table.FindAsync("k", Stop)).Value.ShouldBe("from backup");
        (await AskAsync("get k\r\n")).ShouldBe("VALUE k 0 11\r\nfrom backup\r\nEND\r\n");

        server.Kill();
        await server.WaitForExitAsync(Stop);
        (await table.FindAsync("k", Stop)).Value.ShouldBe("from backup");
        (await registry.Open($"memcache:{file}2").FindAsync("k", Stop)).IsFailed.ShouldBeTrue();
    }

    private async Task<string?> AskAsync(string command)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", port, Stop);
            var stream = client.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes(command), Stop);
            var buffer = new byte[1000];
            return Encoding.ASCII.GetString(buffer, 0, await stream.ReadAsync(buffer, Stop));
        }
        catch (SocketException)
        {
            return null;
        }
    }

    private sealed class Silence : ILogSink
    {
        public void Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text)
        {
        }
    }
}
