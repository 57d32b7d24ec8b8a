using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using DnsClient;

namespace Mta.Testing;

/// <summary>An unbound of the test's own on a high port, which knows the names given to it and nothing else.</summary>
public sealed class DnsServer : IAsyncDisposable
{
    private readonly Process process;
    private readonly string directory;

    private DnsServer(Process process, string directory, int port)
    {
        this.process = process;
        this.directory = directory;
        Port = port;
    }

    public int Port { get; }

    /// <summary>The main.cf line that leads here.</summary>
    public string MainCf => $"dns_servers = 127.0.0.1:{Port.ToString(CultureInfo.InvariantCulture)}\n";

    /// <param name="records">Lines as in a zone file: <c>x.test MX 10 mx.x.test</c>. Names under <c>broken.test</c> get SERVFAIL.</param>
    public static async Task<DnsServer> StartAsync(params string[] records)
    {
        var directory = Directory.CreateTempSubdirectory("mta-dns").FullName;
        for (var attempt = 0; ; attempt++)
        {
            var port = FreePort();
            var config = Path.Combine(directory, "unbound.conf");
            await File.WriteAllTextAsync(config, Configuration(directory, port, records));
            var process = Process.Start(new ProcessStartInfo("unbound", ["-d", "-c", config]) { RedirectStandardError = true })
                ?? throw new InvalidOperationException("unbound does not start");
            _ = process.StandardError.ReadToEndAsync();
            if (await AnswersAsync(process, port))
            {
                return new DnsServer(process, directory, port);
            }

            process.Dispose();
            if (attempt == 5)
            {
                throw new InvalidOperationException("unbound does not start: is the Debian package unbound installed?");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    private static string Configuration(string directory, int port, string[] records)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            server:
              interface: 127.0.0.1
              port: {port}
              do-daemonize: no
              use-syslog: no
              username: ""
              chroot: ""
              directory: "{directory}"
              pidfile: ""
              num-threads: 1
              do-ip6: no
              module-config: "iterator"
              access-control: 127.0.0.0/8 allow
              local-zone: "test." static

            """);
        foreach (var record in records)
        {
            text.Append(CultureInfo.InvariantCulture, $"  local-data: '{record}'\n");
        }

        // A zone whose only server may not be asked (do-not-query-localhost): SERVFAIL at once.
        text.Append("""
              local-zone: "broken.test." transparent
            forward-zone:
              name: "broken.test."
              forward-addr: 127.0.0.1@1

            """);
        return text.ToString();
    }

    /// <summary>Asks until it answers or is gone; each question waits for an answer, so nothing sleeps.</summary>
    private static async Task<bool> AnswersAsync(Process process, int port)
    {
        var client = new LookupClient(new LookupClientOptions(new IPEndPoint(IPAddress.Loopback, port))
        {
            Timeout = TimeSpan.FromMilliseconds(100),
            Retries = 0,
            UseCache = false,
        });
        for (var i = 0; i < 500 && !process.HasExited; i++)
        {
            try
            {
                await client.QueryAsync("x.test", QueryType.A);
                return true;
            }
            catch (DnsResponseException)
            {
                await Task.Yield();
            }
        }

        return false;
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
