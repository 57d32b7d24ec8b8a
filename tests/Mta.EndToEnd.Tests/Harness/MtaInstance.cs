using System.Diagnostics;
using System.Globalization;
using Mta.Core.Config;
using Mta.Testing;
using Npgsql;
using Xunit;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>
/// A mail system of one test: its own configuration directory, ports, log file and embedded database, driven by its commands only.
/// Started by root it runs its services as another user, as it does in earnest; started by anyone else it runs as that user.
/// </summary>
internal sealed class MtaInstance : IAsyncDisposable
{
    /// <summary>The domain whose mailboxes are virtual; every address in it has a maildir named after its local part.</summary>
    public const string VirtualDomain = "virtual.test";

    /// <summary>Log lines shown with a test that failed: more push the reason out of a log of limited length.</summary>
    private const int ShownLines = 100;

    private readonly string root = Programs.NewDirectory("mta");

    private MtaInstance(string mainCf, string masterCf)
    {
        Directory.CreateDirectory(ConfigurationDirectory);
        Directory.CreateDirectory(MailDirectory);
        var (uid, gid) = Environment.IsPrivilegedProcess ? (65534, 65534) : Ids();
        if (Environment.IsPrivilegedProcess)
        {
            Process.Start("chown", [$"{uid}:{gid}", MailDirectory]).WaitForExit();
        }

        File.WriteAllText(Path.Combine(ConfigurationDirectory, "main.cf"), string.Create(
            CultureInfo.InvariantCulture,
            $"""
            compatibility_level = 3.12
            myhostname = mta.test
            mydomain = mta.test
            mydestination = $myhostname, localhost
            mynetworks = 127.0.0.0/8
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            data_directory = {root}/data
            queue_directory = {root}/spool
            maillog_file = {LogFile}
            maillog_file_prefixes = {root}
            mail_owner = {(Environment.IsPrivilegedProcess ? TestUser.Name : Environment.UserName)}
            node_name = {Path.GetFileName(root)}
            alias_maps =
            virtual_mailbox_domains = {VirtualDomain}
            virtual_mailbox_base = {MailDirectory}
            virtual_mailbox_maps = texthash:{ConfigurationDirectory}/mailboxes
            virtual_uid_maps = static:{uid}
            virtual_gid_maps = static:{gid}
            virtual_minimum_uid = 1

            """) + mainCf + "\n");
        File.WriteAllText(
            Path.Combine(ConfigurationDirectory, "mailboxes"),
            string.Concat(Enumerable.Range(1, 9).Select(i => $"user{i}@{VirtualDomain} user{i}/\n")));
        var builtIn = BuiltInFiles.MasterCf.Replace("smtp      inet ", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{SmtpPort} inet "), StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(ConfigurationDirectory, "master.cf"), builtIn + masterCf);
    }

    public string ConfigurationDirectory => Path.Combine(root, "etc");

    /// <summary>Where virtual mailboxes are.</summary>
    public string MailDirectory => Path.Combine(root, "mail");

    public string LogFile => Path.Combine(root, "mail.log");

    public int SmtpPort { get; } = Ports.Free();

    /// <summary>The embedded database with the queue, as its superuser.</summary>
    public string DatabaseConnection => $"Host={root}/data/postgres;Username=postgres;Database=mta";

    /// <summary>Makes the configuration without starting it. Settings of <paramref name="mainCf"/> override those of the harness.</summary>
    public static MtaInstance Create(string mainCf = "", string masterCf = "") => new(mainCf, masterCf);

    /// <summary>One that accepts connections.</summary>
    public static async Task<MtaInstance> StartAsync(CancellationToken cancellationToken, string mainCf = "", string masterCf = "")
    {
        var instance = Create(mainCf, masterCf);
        try
        {
            (await instance.PostfixAsync("start", cancellationToken)).Succeeded();
            return instance;
        }
        catch
        {
            await instance.DisposeAsync();
            throw;
        }
    }

    public Task<CommandResult> PostfixAsync(string action, CancellationToken cancellationToken) => RunAsync("postfix", ["-c", ConfigurationDirectory, action], null, cancellationToken);

    /// <summary>Runs a command of ours with MAIL_CONFIG naming this instance.</summary>
    public Task<CommandResult> RunAsync(string command, string[] arguments, string? input, CancellationToken cancellationToken) =>
        CommandResult.RunAsync(Programs.Command(command), arguments, input, new Dictionary<string, string> { ["MAIL_CONFIG"] = ConfigurationDirectory }, cancellationToken);

    public async Task<QueueEntry[]> QueueAsync(CancellationToken cancellationToken) =>
        QueueEntry.ParseAll((await RunAsync("postqueue", ["-j"], null, cancellationToken)).Succeeded());

    public Task WaitForEmptyQueueAsync(CancellationToken cancellationToken) =>
        Until.TrueAsync(async () => (await QueueAsync(cancellationToken)).Length == 0, "the queue is empty", cancellationToken);

    /// <summary>Messages in a virtual maildir.</summary>
    public string[] Mails(string user) =>
        Directory.Exists(Path.Combine(MailDirectory, user, "new")) ? Directory.GetFiles(Path.Combine(MailDirectory, user, "new")) : [];

    public async Task<string[]> WaitForMailsAsync(string user, int count, CancellationToken cancellationToken)
    {
        await Until.TrueAsync(() => Mails(user).Length >= count, $"{count} messages for {user}", cancellationToken);
        return Mails(user);
    }

    /// <summary>The log so far.</summary>
    public string Log() => File.Exists(LogFile) ? File.ReadAllText(LogFile) : "";

    /// <summary>The first log line with this in it.</summary>
    public Task<string> WaitForLogAsync(string part, CancellationToken cancellationToken) => Until.FoundAsync(
        () => Task.FromResult(Array.Find(Log().Split('\n'), l => l.Contains(part, StringComparison.Ordinal))), $"log line with {part}", cancellationToken);

    /// <summary>A mail spool directory as Debian's: its group may write, and files in it belong to that group. Here it is everybody's.</summary>
    public string MakeMailSpool()
    {
        var spool = Directory.CreateDirectory(Path.Combine(root, "spool-of-users")).FullName;
        File.SetUnixFileMode(spool, (UnixFileMode)0b111_111_111 | UnixFileMode.StickyBit);
        return spool;
    }

    public Task<SmtpDialogue> ConnectAsync(CancellationToken cancellationToken) => SmtpDialogue.ConnectAsync(SmtpPort, cancellationToken);

    /// <summary>The sum of the most memory that each of our processes had resident, in bytes, without PostgreSQL's.</summary>
    public long PeakMemory()
    {
        var master = MasterPid() ?? throw new InvalidOperationException("master does not run");
        return Children(master).Append(master).Sum(pid =>
        {
            var line = File.ReadLines($"/proc/{pid}/status").First(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            return long.Parse(line.AsSpan(6, line.Length - 8).Trim(), CultureInfo.InvariantCulture) * 1024;
        });
    }

    /// <summary>Messages that a sink may have taken although the database does not know: those in delivery, and those whose end is not yet logged.</summary>
    public int InFlight()
    {
        const int concurrencyLimit = 20;
        var log = Log();
        return concurrencyLimit + Math.Max(0, log.Split("status=sent").Length - log.Split(": removed").Length);
    }

    /// <summary>SIGSTOP or SIGCONT to master and all that it started.</summary>
    public async Task SignalAsync(string signal, CancellationToken cancellationToken)
    {
        var master = MasterPid() ?? throw new InvalidOperationException("not running");
        string[] all = [.. Children(master).Append(master).Select(pid => pid.ToString(CultureInfo.InvariantCulture))];
        (await CommandResult.RunAsync("kill", ["-" + signal, .. all], null, null, cancellationToken)).Succeeded();
    }

    /// <summary>kill -9 of master and of all that it started; the embedded database is left alone.</summary>
    public void Kill()
    {
        if (MasterPid() is not { } master)
        {
            return;
        }

        foreach (var child in Children(master))
        {
            Kill(child);
        }

        Kill(master);
    }

    /// <summary>The embedded PostgreSQL ends at once, as after a crash.</summary>
    public async Task StopPostgresImmediatelyAsync(CancellationToken cancellationToken)
    {
        var postmaster = ReadPid(Postmaster(root)) ?? throw new InvalidOperationException("no PostgreSQL runs");
        (await CommandResult.RunAsync("kill", ["-QUIT", postmaster.ToString(CultureInfo.InvariantCulture)], null, null, cancellationToken)).Succeeded();
    }

    /// <summary>Runs statements, one by one, in the embedded database as its superuser; the last one's first value.</summary>
    public async Task<object?> SqlAsync(CancellationToken cancellationToken, params string[] statements)
    {
        await using var connection = new NpgsqlConnection(DatabaseConnection + ";Pooling=false");
        await connection.OpenAsync(cancellationToken);
        object? value = null;
        foreach (var statement in statements)
        {
            await using var command = new NpgsqlCommand(statement, connection);
            value = await command.ExecuteScalarAsync(cancellationToken);
        }

        return value;
    }

    /// <summary>Rows of a ready report as psql prints them for the report role: no header, columns separated by a blank.</summary>
    public async Task<string[]> ReportAsync(string name, CancellationToken cancellationToken)
    {
        var file = Path.Combine(AppContext.BaseDirectory, "reports", name + ".sql");
        string[] arguments = ["-XqAt", "-F", " ", "-v", "ON_ERROR_STOP=1", "-h", Path.Combine(root, "data", "postgres"), "-U", "postgres", "-c", "SET ROLE mta_report", "-f", file, "mta"];
        var result = await CommandResult.RunAsync("psql", arguments, null, null, cancellationToken);
        return result.Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    public async ValueTask DisposeAsync()
    {
        // Shown with a test that failed: what is nearest to the failure.
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', Log().Split('\n').TakeLast(ShownLines)));
        await PostfixAsync("stop", CancellationToken.None);
        if (MasterPid() is not null)
        {
            Kill();
        }

        try
        {
            Directory.Delete(root, recursive: true);
        }
        catch (IOException)
        {
            // Something still runs in it; the next test process removes it.
        }
    }

    /// <summary>Ends what the instance of a test process that died left running.</summary>
    internal static void EndAbandoned(string root)
    {
        if (ReadPid(Path.Combine(root, "spool", "pid", "master.pid")) is { } master)
        {
            foreach (var child in Children(master))
            {
                Kill(child);
            }

            Kill(master);
        }

        if (ReadPid(Postmaster(root)) is { } postmaster)
        {
            Kill(postmaster);
        }
    }

    private static string Postmaster(string root) => Path.Combine(root, "data", "postgres", "data", "postmaster.pid");

    private int? MasterPid() => ReadPid(Path.Combine(root, "spool", "pid", "master.pid"));

    private static int? ReadPid(string path)
    {
        // Not by a FileStream: it takes a lock, which a master that runs has taken.
        using var handle = Services.Net.Libc.OpenExisting(path);
        if (handle is null)
        {
            return null;
        }

        var text = new byte[32];
        var line = System.Text.Encoding.ASCII.GetString(text, 0, RandomAccess.Read(handle, text, 0)).Split('\n')[0];
        return int.TryParse(line, NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out var pid) && Directory.Exists($"/proc/{pid}") ? pid : null;
    }

    private static List<int> Children(int parent)
    {
        var children = new List<int>();
        foreach (var directory in Directory.GetDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && ParentOf(pid) == parent)
            {
                children.Add(pid);
            }
        }

        return children;
    }

    // The fields of stat after the name in parentheses: state, parent.
    private static int ParentOf(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return -1;
        }
    }

    private static void Kill(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            process.Kill();
            process.WaitForExit(10_000);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            // Gone already.
        }
    }

    private static (int Uid, int Gid) Ids()
    {
        var status = File.ReadLines("/proc/self/status").ToLookup(l => l.Split(':')[0], l => l.Split('\t').ElementAtOrDefault(2));
        return (int.Parse(status["Uid"].First()!, CultureInfo.InvariantCulture), int.Parse(status["Gid"].First()!, CultureInfo.InvariantCulture));
    }
}
