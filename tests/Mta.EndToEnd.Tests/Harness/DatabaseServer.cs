using System.Globalization;
using Mta.Storage.Embedded;
using Mta.Testing;
using Npgsql;
using Xunit;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>
/// A PostgreSQL server of one test's own, over TCP, which the test may stop, freeze, kill, copy to a standby and promote. Its files survive
/// the end of its processes but not that of the machine: fsync is off.
/// </summary>
internal sealed class DatabaseServer : IAsyncDisposable
{
    private const int ShownLines = 50;

    private static readonly string? User = Environment.IsPrivilegedProcess ? TestUser.Name : null;
    private static readonly PostgresBinaries Binaries = PostgresBinaries.FindAll() is [var newest, ..]
        ? newest
        : throw new InvalidOperationException("this test stops and breaks its server: install the PostgreSQL server programs (apt-get install postgresql)");

    private readonly string root;
    private readonly string options;

    private DatabaseServer(string root, string options)
    {
        this.root = root;
        this.options = options;
    }

    public int Port { get; } = Ports.Free();

    /// <summary>The value of database_url for a node that talks to it over TCP.</summary>
    public string Url => UrlBy(Port);

    /// <summary>The same over its Unix socket.</summary>
    public string LocalUrl => string.Create(CultureInfo.InvariantCulture, $"postgresql://postgres@/postgres?host={root}&port={Port}");

    /// <summary>False once its first process has ended.</summary>
    public bool IsRunning => ClusterProcess.Find(Data) is not null;

    // As below an instance's own data directory, so that what a dead test process left is found and ended.
    private string Data => Path.Combine(root, "data", "postgres", "data");

    /// <param name="options">Options of the server, such as <c>-c synchronous_standby_names=x</c>.</param>
    /// <param name="root">Its directory when it is not to be any below /tmp: a small file system, say.</param>
    public static DatabaseServer Start(string options = "", string? root = null)
    {
        var server = Make(options, root);
        server.Run(Binaries.InitDb, "-D", server.Data, "-U", "postgres", "-A", "trust", "--locale=C.UTF-8", "-E", "UTF8", "--no-sync", "-k");
        File.AppendAllText(Path.Combine(server.Data, "pg_hba.conf"), "host replication all 127.0.0.1/32 trust\n");
        server.StartAgain();
        return server;
    }

    public static string UrlBy(int port) => string.Create(CultureInfo.InvariantCulture, $"postgresql://postgres@127.0.0.1:{port}/postgres");

    /// <summary>A standby that follows this server, under the name that synchronous_standby_names may have.</summary>
    public DatabaseServer MakeStandby(string name)
    {
        var standby = Make(options, null);
        standby.Run(
            Path.Combine(Binaries.Directory, "pg_basebackup"),
            "-D", standby.Data, "-R", "-X", "stream", "-c", "fast", "--no-sync",
            "-d", string.Create(CultureInfo.InvariantCulture, $"host=127.0.0.1 port={Port} user=postgres application_name={name}"));
        standby.StartAgain();
        return standby;
    }

    public void StartAgain() => Run(
        Binaries.PgCtl,
        "start", "-D", Data, "-l", Path.Combine(root, "log"), "-w", "-t", "60", "-o", string.Create(
            CultureInfo.InvariantCulture,
            $"-c port={Port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={root} -c fsync=off -c max_connections=200 -c shared_buffers=64MB -c jit=off {options}"));

    /// <param name="mode">smart, fast, or immediate: as if the machine had lost power.</param>
    public void Stop(string mode) => Run(Binaries.PgCtl, "stop", "-D", Data, "-m", mode, "-w");

    public void Promote() => Run(Binaries.PgCtl, "promote", "-D", Data, "-w");

    /// <summary>SIGKILL, SIGSTOP or SIGCONT to the server and all its sessions.</summary>
    public async Task SignalAsync(string signal, CancellationToken cancellationToken)
    {
        // All at once, for a server that lost one session to SIGKILL would begin to recover.
        var postmaster = File.ReadLines(Path.Combine(Data, "postmaster.pid")).First();
        var children = (await CommandResult.RunAsync("ps", ["--ppid", postmaster, "-o", "pid="], null, null, cancellationToken)).Output;
        string[] all = [postmaster, .. children.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)];
        await CommandResult.RunAsync("kill", ["-" + signal, .. all], null, null, cancellationToken);
    }

    /// <summary>A superuser's session over the server's own socket, which commits without waiting for a standby.</summary>
    public async Task<NpgsqlConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder
        {
            Host = root,
            Port = Port,
            Username = "postgres",
            Database = "postgres",
            Pooling = false,
            Options = "-c synchronous_commit=local",
        }.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        return connection;
    }

    /// <summary>The first value that the statement gives; the default when it gives none.</summary>
    public async Task<T?> ScalarAsync<T>(string sql, CancellationToken cancellationToken)
    {
        await using var connection = await ConnectAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancellationToken) is T value ? value : default;
    }

    /// <summary>What the server wrote into its log.</summary>
    public string Log() => File.ReadAllText(Path.Combine(root, "log"));

    public async ValueTask DisposeAsync()
    {
        // Shown with a test that failed.
        if (File.Exists(Path.Combine(root, "log")))
        {
            TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', Log().Split('\n').TakeLast(ShownLines)));
        }

        if (File.Exists(Path.Combine(Data, "postmaster.pid")))
        {
            await SignalAsync("KILL", CancellationToken.None);
        }

        try
        {
            Directory.Delete(root, recursive: true);
        }
        catch (IOException)
        {
            // A process of it is still ending; the next test process removes it.
        }
    }

    private static DatabaseServer Make(string options, string? root)
    {
        var server = new DatabaseServer(root ?? Programs.NewDirectory("server"), options);
        Directory.CreateDirectory(Path.GetDirectoryName(server.Data)!);
        if (User is not null)
        {
            TestUser.Own(server.root);
            TestUser.Own(Path.GetDirectoryName(server.Data)!);
        }

        return server;
    }

    private void Run(string program, params string[] arguments)
    {
        var result = PostgresCommand.Run(program, arguments, User);
        if (result.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {arguments[0]}: {result.Output}");
        }
    }
}
