using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Mta.Services.Master;
using Mta.Testing;

namespace Mta.EndToEnd.Tests.Master;

/// <summary>What a command printed and how it ended.</summary>
internal sealed record CommandOutcome(int ExitCode, string Output, string Error);

/// <summary>A mail system of a test's own: directories, configuration, ports, and the commands as processes. Gone with all its processes when disposed.</summary>
internal sealed class MailInstance : IAsyncDisposable
{
    private readonly DirectoryInfo root = Directory.CreateTempSubdirectory("mta-e2e-");

    /// <param name="databaseUrl">Null means embedded.</param>
    public MailInstance(string? databaseUrl = null)
    {
        File.SetUnixFileMode(root.FullName, (UnixFileMode)0x1ED);
        Directory.CreateDirectory(Configuration);
        Port = FreePort();
        MainCf = $"""
            compatibility_level = 3.12
            myhostname = mail.example
            mail_owner = {(Environment.IsPrivilegedProcess ? TestUser.Name : Environment.UserName)}
            queue_directory = {root.FullName}/queue
            data_directory = {Data}
            maillog_file = {Log}
            inet_interfaces = loopback-only
            inet_protocols = ipv4
            database_url = {databaseUrl ?? "embedded"}

            """;
        MasterCf = $"127.0.0.1:{Port} inet n - n - - smtpd\n";
    }

    public int Port { get; }

    public string Configuration => Path.Combine(root.FullName, "conf");

    public string Data => Path.Combine(root.FullName, "data");

    public string Log => Path.Combine(root.FullName, "maillog");

    public string MainCf
    {
        get => File.ReadAllText(Path.Combine(Configuration, "main.cf"));
        set => File.WriteAllText(Path.Combine(Configuration, "main.cf"), value);
    }

    public string MasterCf
    {
        get => File.ReadAllText(Path.Combine(Configuration, "master.cf"));
        set => File.WriteAllText(Path.Combine(Configuration, "master.cf"), value);
    }

    public int? MasterPid => InstanceFiles.ReadPid(Path.Combine(Data, "master.lock"));

    public int? ServicesPid => InstanceFiles.ReadPid(Path.Combine(Data, "services.lock"));

    /// <summary>The programs lie beside the tests.</summary>
    public static string Program(string name) => Path.Combine(AppContext.BaseDirectory, name);

    public static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    /// <summary>Runs <c>postfix -c DIR action</c>.</summary>
    public Task<CommandOutcome> PostfixAsync(string action) => RunAsync(Program("Mta.Tools"), "postfix", "-c", Configuration, action);

    public static async Task<CommandOutcome> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var error = process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        return new CommandOutcome(process.ExitCode, await output, await error);
    }

    /// <summary>True when the port takes a connection.</summary>
    public static async Task<bool> AcceptsAsync(int port)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Until something is so that nobody tells us of; fails after half a minute.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        var started = Stopwatch.StartNew();
        while (!condition())
        {
            if (started.Elapsed > TimeSpan.FromSeconds(30))
            {
                throw new TimeoutException(what);
            }

            await Task.Delay(20);
        }
    }

    /// <summary>False also for a process that is dead and that nobody has waited for.</summary>
    public static bool IsAlive(int pid)
    {
        try
        {
            var status = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            return status[(status.LastIndexOf(')') + 2)..] is not ['Z' or 'X', ..];
        }
        catch (IOException)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await PostfixAsync("stop");
        if (ServicesPid is { } pid && IsAlive(pid))
        {
            Process.GetProcessById(pid).Kill();
        }

        new Mta.Storage.Embedded.EmbeddedCluster(Data, Environment.IsPrivilegedProcess ? TestUser.Name : "").Stop();
        root.Delete(recursive: true);
    }
}
