using System.Diagnostics;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Embedded;

/// <summary>
/// The private PostgreSQL cluster under <c>$data_directory/postgres</c>: <c>data</c> is its data directory, <c>postgres.log</c> its log, and
/// its socket lies beside them. It is a process of its own: it outlives a daemon that was killed, and the next one finds it.
/// </summary>
/// <param name="dataDirectory">The value of data_directory.</param>
/// <param name="mailOwner">The value of mail_owner, which it runs as when root starts it.</param>
/// <param name="warn">Takes what an administrator should know.</param>
public sealed class EmbeddedCluster(string dataDirectory, string mailOwner, Action<string>? warn = null)
{
    private const int MaxSocketPath = 107;
    private const int MaxStartFailures = 3;
    private const long MaxLogLength = 16 * 1024 * 1024;

    // Recovery reads what was written since the last checkpoint: seconds for the sizes that we set, minutes on a poor disk.
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(10);

    /// <summary>Its directory; the socket is in it.</summary>
    public string Directory { get; } = Path.Combine(Path.GetFullPath(dataDirectory), "postgres");

    internal string Data => Path.Combine(Directory, "data");

    /// <summary>True while its server runs.</summary>
    public bool IsRunning => ClusterProcess.Find(Data) is not null;

    /// <summary>Its database, whether it runs or not. Ordinary users get in as <see cref="DatabaseRole.Submit"/> only.</summary>
    public Database Connect() => Database.Embedded(Login(ClusterCreation.DatabaseName), Data);

    /// <summary>
    /// Makes the cluster if there is none, starts it unless it runs, and waits until it takes connections. Root and its owner may do so,
    /// several at once. Throws <see cref="StorageException"/>.
    /// </summary>
    public async Task<ClusterUse> StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            var owner = ClusterOwner.Find(mailOwner);
            Prepare(owner);
            var use = OpenLock("use.lock");
            using var start = OpenLock("start.lock");
            await Native.LockExclusiveAsync(start, cancellationToken).ConfigureAwait(false);
            await Native.LockSharedAsync(use, cancellationToken).ConfigureAwait(false);
            var started = await StartUnderLockAsync(owner, cancellationToken).ConfigureAwait(false);
            return new ClusterUse(this, use, started);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(StorageFailure.Fatal, $"the embedded PostgreSQL in {Directory}: {e.Message}", e);
        }
    }

    /// <summary>Stops it: sessions are ended, nothing that was committed is lost.</summary>
    public void Stop()
    {
        if (!IsRunning)
        {
            return;
        }

        var owner = ClusterOwner.Find(mailOwner);
        var result = PostgresCommand.Run(
            ClusterCreation.BinariesFor(Directory, Data, owner).PgCtl, ["stop", "-D", Data, "-m", "fast", "-w", "-t", "120"], owner.RunAs);
        if (result.ExitCode != 0 && IsRunning)
        {
            throw new StorageException(StorageFailure.Fatal, $"the embedded PostgreSQL does not stop: {result.Output}");
        }
    }

    /// <summary>Stops it unless somebody uses it.</summary>
    internal void StopIfUnused(SafeFileHandle use)
    {
        using var start = OpenLock("start.lock");
        if (Native.TryLockExclusive(start) && Native.TryLockExclusive(use))
        {
            Stop();
        }
    }

    private void Prepare(ClusterOwner owner)
    {
        if (Encoding.UTF8.GetByteCount(Directory) + "/.s.PGSQL.5432".Length > MaxSocketPath)
        {
            throw new StorageException(StorageFailure.Fatal, $"data_directory is too long for a Unix socket in it: {Directory}");
        }

        if (!System.IO.Directory.Exists(Directory))
        {
            System.IO.Directory.CreateDirectory(Directory, (UnixFileMode)Convert.ToInt32("755", 8));
            if (owner.RunAs is not null)
            {
                Native.Chown(Directory, owner.Uid, owner.Gid);
            }
        }

        if (owner.RunAs is { } user && PostgresCommand.Run("/usr/bin/test", ["-w", Directory], user).ExitCode != 0)
        {
            throw new StorageException(
                StorageFailure.Fatal,
                $"mail_owner {user} cannot write {Directory}: it belongs to another user, or a directory above it is closed (set data_directory to another place)");
        }
    }

    private async Task<bool> StartUnderLockAsync(ClusterOwner owner, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var failures = 0;
        var started = false;
        while (true)
        {
            if (ClusterProcess.Find(Data) is null)
            {
                // Backends of a postmaster that was killed hold a start up until they have noticed.
                var problem = Launch(owner);
                started = true;
                if (problem is not null && !ClusterProcess.AnyIn(Data) && ++failures == MaxStartFailures)
                {
                    throw new StorageException(StorageFailure.Fatal, $"the embedded PostgreSQL does not start: {problem} (see {LogFile})");
                }
            }

            if (await AnswersAsync(cancellationToken).ConfigureAwait(false))
            {
                return started;
            }

            if (clock.Elapsed > StartLimit)
            {
                throw new StorageException(StorageFailure.Fatal, $"the embedded PostgreSQL does not answer: see {LogFile}");
            }

            // Starting, recovering or shutting down: it tells nobody when it is done.
            await Task.Delay(50, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The reason when it did not start.</summary>
    private string? Launch(ClusterOwner owner)
    {
        var binaries = ClusterCreation.BinariesFor(Directory, Data, owner);
        if (!System.IO.Directory.Exists(Data))
        {
            ClusterCreation.Create(binaries, Directory, Data, owner);
        }

        ClusterConfiguration.Write(Data, Directory, owner);
        ClusterProcess.RemoveStaleLocks(Data, Directory);
        if (new FileInfo(LogFile) is { Exists: true, Length: > MaxLogLength })
        {
            File.Move(LogFile, LogFile + ".old", overwrite: true);
        }

        // pg_ctl gives the server a session of its own, so that the terminal's Ctrl-C does not end it before our last commits.
        var result = PostgresCommand.Run(binaries.PgCtl, ["start", "-D", Data, "-l", LogFile, "-w", "-t", "60"], owner.RunAs);
        return result.ExitCode == 0 || ClusterProcess.Find(Data) is not null ? null : LastLogLine() ?? result.Output;
    }

    /// <summary>False while it starts up, recovers or shuts down.</summary>
    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        var login = Login(ClusterCreation.DatabaseName);
        login.Pooling = false;
        login.Timeout = 5;
        try
        {
            await using var connection = new NpgsqlConnection(login.ConnectionString);
            await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (PostgresException e) when (e.SqlState is not (PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.TooManyConnections))
        {
            throw new StorageException(StorageFailure.Fatal, $"the embedded PostgreSQL in {Directory} refuses us: {e.MessageText}", e);
        }
        catch (NpgsqlException e) when (e is PostgresException { SqlState: PostgresErrorCodes.TooManyConnections })
        {
            warn?.Invoke("the embedded PostgreSQL has no connection left");
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private NpgsqlConnectionStringBuilder Login(string database) =>
        new() { Host = Directory, Port = 5432, Database = database, Username = ClusterConfiguration.Superuser };

    // Made by root it still has to open for the owner's own commands.
    private SafeFileHandle OpenLock(string name)
    {
        var path = Path.Combine(Directory, name);
        var handle = Native.OpenLockFile(path);
        if (ClusterOwner.Find(mailOwner) is { RunAs: not null } owner)
        {
            Native.Chown(path, owner.Uid, owner.Gid);
        }

        return handle;
    }

    private string LogFile => Path.Combine(Directory, "postgres.log");

    private string? LastLogLine()
    {
        try
        {
            return File.ReadLines(LogFile).LastOrDefault(l => l.Contains("FATAL", StringComparison.Ordinal));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
