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

    private DnsServer(Process process, string directory, IPEndPoint address)
    {
        this.process = process;
        this.directory = directory;
        Address = address.Address;
        Port = address.Port;
    }

    public IPAddress Address { get; }

    public int Port { get; }

    /// <summary>The main.cf line that leads here.</summary>
    public string MainCf => string.Create(CultureInfo.InvariantCulture, $"dns_servers = {Address}:{Port}\n");

    /// <param name="records">Lines as in a zone file: <c>x.test MX 10 mx.x.test</c>. Names under <c>broken.test</c> get SERVFAIL.</param>
    public static Task<DnsServer> StartAsync(params string[] records) => StartAsync(IPAddress.Loopback, null, records);

    /// <summary>
    /// One at the port of the DNS and an address of the loopback network, for programs that know no other port: root only. It has the names of
    /// 127.0.0.0/8 as well, as far as records give them; for 127.0.0.9 it gives SERVFAIL.
    /// </summary>
    public static Task<DnsServer> StartForSystemAsync(IPAddress address, params string[] records) => StartAsync(address, 53, records);

    private static async Task<DnsServer> StartAsync(IPAddress address, int? port, string[] records)
    {
        var directory = Directory.CreateTempSubdirectory("mta-dns").FullName;
        for (var attempt = 0; ; attempt++)
        {
            var endpoint = new IPEndPoint(address, port ?? FreePort());
            var config = Path.Combine(directory, "unbound.conf");
            await File.WriteAllTextAsync(config, Configuration(directory, endpoint, records));
            var process = Process.Start(new ProcessStartInfo("unbound", ["-d", "-c", config]) { RedirectStandardError = true })
                ?? throw new InvalidOperationException("unbound does not start");
            _ = process.StandardError.ReadToEndAsync();
            if (await AnswersAsync(process, endpoint))
            {
                return new DnsServer(process, directory, endpoint);
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

    private static string Configuration(string directory, IPEndPoint endpoint, string[] records)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            server:
              interface: {endpoint.Address}
              port: {endpoint.Port}
              do-daemonize: no
              use-syslog: no
              username: ""
              chroot: ""
              directory: "{directory}"
              pidfile: ""
              num-threads: 1
              do-ip6: no
              module-config: "iterator"
              rrset-roundrobin: no
              access-control: 127.0.0.0/8 allow
              local-zone: "test." static

            """);
        if (endpoint.Port == 53)
        {
            text.Append("  local-zone: \"127.in-addr.arpa.\" static\n");
        }

        foreach (var record in records)
        {
            text.Append(CultureInfo.InvariantCulture, $"  local-data: '{record}'\n");
        }

        // Zones whose only server may not be asked (do-not-query-localhost): SERVFAIL at once.
        foreach (var zone in (string[])(endpoint.Port == 53 ? ["broken.test.", "9.0.0.127.in-addr.arpa."] : ["broken.test."]))
        {
            text.Append(CultureInfo.InvariantCulture, $"""
                server:
                  local-zone: "{zone}" transparent
                forward-zone:
                  name: "{zone}"
                  forward-addr: 127.0.0.1@1

                """);
        }

        return text.ToString();
    }

    /// <summary>Asks until it answers or is gone; each question waits for an answer, so nothing sleeps.</summary>
    private static async Task<bool> AnswersAsync(Process process, IPEndPoint endpoint)
    {
        var client = new LookupClient(new LookupClientOptions(endpoint)
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
