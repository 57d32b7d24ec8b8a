using System.Diagnostics;
using System.Globalization;
using Mta.Storage.Embedded;
using Npgsql;

namespace Mta.Testing;

/// <summary>A cluster in a temporary directory, on a Unix socket, for one test process. It loses its data when the machine stops: fsync is off.</summary>
internal sealed class PrivateCluster
{
    private const string Prefix = "mta-test-pg-";

    private readonly PostgresBinaries binaries;
    private readonly string? user;

    private PrivateCluster(PostgresBinaries binaries, string? user, string directory)
    {
        this.binaries = binaries;
        this.user = user;
        Directory = directory;
    }

    public string Directory { get; }

    public string ConnectionString => new NpgsqlConnectionStringBuilder
    {
        Host = Directory,
        Username = "postgres",
        Database = "postgres",
        MaxPoolSize = 20,
        Timeout = 30,
    }.ConnectionString;

    private string Data => Path.Combine(Directory, "data");

    /// <summary>Null when the machine has no server programs.</summary>
    public static PrivateCluster? Start()
    {
        if (PostgresBinaries.FindAll() is not [var binaries, ..])
        {
            return null;
        }

        var user = Environment.IsPrivilegedProcess ? TestUser.Name : null;
        RemoveAbandoned();
        var directory = Path.Combine("/tmp", string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{Guid.NewGuid():N}")[..40]);
        System.IO.Directory.CreateDirectory(directory);
        if (user is not null)
        {
            TestUser.Own(directory);
        }

        var cluster = new PrivateCluster(binaries, user, directory);
        cluster.Initialise();
        return cluster;
    }

    /// <summary>Stops the server and removes its files.</summary>
    public void Stop()
    {
        StopServer("immediate");
        try
        {
            System.IO.Directory.Delete(Directory, recursive: true);
        }
        catch (IOException)
        {
            // The next test process removes it.
        }
    }

    /// <param name="mode">smart, fast, or immediate: as if the machine had lost power.</param>
    public void StopServer(string mode) => PostgresCommand.Run(binaries.PgCtl, ["stop", "-D", Data, "-m", mode, "-w"], user);

    public void StartServer()
    {
        var options = $"-c fsync=off -c synchronous_commit=on -c full_page_writes=off -c listen_addresses='' -c unix_socket_directories='{Directory}' "
            + "-c max_connections=300 -c shared_buffers=64MB -c max_wal_size=512MB -c jit=off -c max_prepared_transactions=0";
        Require(PostgresCommand.Run(binaries.PgCtl, ["start", "-D", Data, "-l", Path.Combine(Directory, "log"), "-w", "-t", "60", "-o", options], user));
    }

    private void Initialise()
    {
        Require(PostgresCommand.Run(
            binaries.InitDb, ["-D", Data, "-U", "postgres", "-A", "trust", "--locale=C.UTF-8", "-E", "UTF8", "--no-sync"], user));
        StartServer();
    }

    private static void Require(PostgresCommandResult result)
    {
        if (result.ExitCode != 0)
        {
            throw new InvalidOperationException($"the test cluster does not start: {result.Output}");
        }
    }

    /// <summary>Clusters whose test process was killed: stopped and removed.</summary>
    private static void RemoveAbandoned()
    {
        foreach (var directory in System.IO.Directory.GetDirectories("/tmp", Prefix + "*"))
        {
            var owner = Path.GetFileName(directory)[Prefix.Length..].Split('-')[0];
            if (!int.TryParse(owner, NumberStyles.None, CultureInfo.InvariantCulture, out var pid) || System.IO.Directory.Exists($"/proc/{pid}"))
            {
                continue;
            }

            try
            {
                var lines = File.ReadAllLines(Path.Combine(directory, "data", "postmaster.pid"));
                using var postmaster = Process.GetProcessById(int.Parse(lines[0], CultureInfo.InvariantCulture));
                if (postmaster.ProcessName == "postgres")
                {
                    postmaster.Kill();
                    postmaster.WaitForExit(5000);
                }
            }
            catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException or System.ComponentModel.Win32Exception)
            {
                // Not running, or another user's.
            }

            try
            {
                System.IO.Directory.Delete(directory, recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
            }
        }
    }
}
