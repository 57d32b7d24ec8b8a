using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Mta.Testing;

/// <summary>Debian's PgBouncer before a database of the tests, in transaction mode, on a port of its own.</summary>
public sealed class PgBouncer : IAsyncDisposable
{
    private readonly string directory;
    private readonly Process process;

    private PgBouncer(string directory, Process process, string connectionString)
    {
        this.directory = directory;
        this.process = process;
        ConnectionString = connectionString;
    }

    /// <summary>The way through the pooler.</summary>
    public string ConnectionString { get; }

    public static async Task<PgBouncer> StartAsync(string server, CancellationToken cancellationToken)
    {
        var target = new NpgsqlConnectionStringBuilder(server);
        var directory = Directory.CreateTempSubdirectory("mta-pgbouncer-").FullName;
        var port = FreePort();
        var user = Environment.IsPrivilegedProcess ? TestUser.Name : Environment.UserName;
        await File.WriteAllTextAsync(Path.Combine(directory, "users.txt"), $"\"{target.Username}\" \"{target.Password}\"\n", cancellationToken);
        await File.WriteAllTextAsync(
            Path.Combine(directory, "pgbouncer.ini"),
            string.Create(
                CultureInfo.InvariantCulture,
                $"""
                [databases]
                * = host={target.Host} port={target.Port}
                [pgbouncer]
                listen_addr = 127.0.0.1
                listen_port = {port}
                unix_socket_dir =
                pool_mode = transaction
                auth_type = trust
                auth_file = {directory}/users.txt
                logfile = {directory}/log
                ignore_startup_parameters = extra_float_digits, options
                """),
            cancellationToken);
        if (Environment.IsPrivilegedProcess)
        {
            TestUser.Own(directory);
        }

        var program = File.Exists("/usr/sbin/pgbouncer") ? "/usr/sbin/pgbouncer" : "pgbouncer";
        var start = Environment.IsPrivilegedProcess
            ? new ProcessStartInfo("setpriv", ["--reuid", user, "--clear-groups", "--", program, Path.Combine(directory, "pgbouncer.ini")])
            : new ProcessStartInfo(program, [Path.Combine(directory, "pgbouncer.ini")]);
        start.RedirectStandardError = true;
        var bouncer = new PgBouncer(
            directory,
            Process.Start(start)!,
            new NpgsqlConnectionStringBuilder(server) { Host = "127.0.0.1", Port = port, MaxAutoPrepare = 0 }.ConnectionString);
        await bouncer.WaitUntilItListensAsync(port, cancellationToken);
        return bouncer;
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    private async Task WaitUntilItListensAsync(int port, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
                return;
            }
            catch (SocketException) when (!process.HasExited)
            {
                await Task.Delay(20, cancellationToken);
            }
            catch (SocketException)
            {
                throw new InvalidOperationException($"pgbouncer does not start: {await process.StandardError.ReadToEndAsync(cancellationToken)}");
            }
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
