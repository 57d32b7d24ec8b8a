using System.Globalization;
using Xunit;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>Debian's Postfix as a private instance with the configuration of <see cref="MtaInstance"/>: what it does with a message is right.</summary>
internal sealed class PostfixJudge : IAsyncDisposable
{
    private const string Program = "/usr/sbin/postfix";

    private readonly string root = Programs.NewDirectory("judge");

    private readonly string? nameServer;

    private PostfixJudge(string? nameServer) => this.nameServer = nameServer;

    public int SmtpPort { get; } = Ports.Free();

    public string Configuration => Path.Combine(root, "etc");

    public string MailDirectory => Path.Combine(root, "mail");

    /// <summary>The queue directory, with the sockets of the services.</summary>
    public string Spool => Path.Combine(root, "spool");

    private string LogFile => Path.Combine(root, "mail.log");

    /// <summary>Postfix starts for root only: for anyone else the test is skipped, and says so.</summary>
    /// <param name="nameServer">The address of the server that it asks instead of those of /etc/resolv.conf.</param>
    public static async Task<PostfixJudge> StartAsync(
        int relayPort, string mainCf, CancellationToken cancellationToken, string masterCf = "", string? nameServer = null)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Postfix, the judge of this test, starts for root only");
        Assert.SkipUnless(File.Exists(Program), "Debian's package postfix, the judge of this test, is not installed");
        var judge = new PostfixJudge(nameServer);
        await judge.ConfigureAsync(relayPort, mainCf, masterCf, cancellationToken);
        (await judge.LaunchAsync(cancellationToken)).Succeeded();
        await Until.TrueAsync(() => judge.IsListeningAsync(cancellationToken), "Postfix listens", cancellationToken);
        return judge;
    }

    /// <summary>The log so far.</summary>
    public string Log() => File.Exists(LogFile) ? File.ReadAllText(LogFile) : "";

    /// <summary>True when nothing is on its way: what is left, if anything, is deferred.</summary>
    public bool IsIdle() =>
        ((string[])["maildrop", "incoming", "active"]).All(q => Directory.GetFiles(Path.Combine(root, "spool", q), "*", SearchOption.AllDirectories).Length == 0);

    /// <summary>From the next reload on each process of smtpd(8), cleanup(8) and smtp(8) serves once: when all is idle none has an old configuration.</summary>
    public void UseProcessesOnce()
    {
        var file = Path.Combine(Configuration, "master.cf");
        var lines = File.ReadLines(file).Select(l => l.Split(' ')[^1] is "smtpd" or "cleanup" or "smtp" ? l + " -o max_use=1" : l);
        File.WriteAllLines(file, [.. lines]);
    }

    /// <summary>Reads main.cf again.</summary>
    public async Task ReloadAsync(CancellationToken cancellationToken)
    {
        var before = Reloads();
        (await RunAsync("reload", cancellationToken)).Succeeded();
        await Until.TrueAsync(() => Reloads() > before, "Postfix reads its configuration again", cancellationToken);
        await Until.TrueAsync(() => IsListeningAsync(cancellationToken), "Postfix listens", cancellationToken);

        int Reloads() => Log().Split(": reload -- ").Length;
    }

    /// <summary>Messages in a virtual maildir.</summary>
    public string[] Mails(string user) =>
        Directory.Exists(Path.Combine(MailDirectory, user, "new")) ? Directory.GetFiles(Path.Combine(MailDirectory, user, "new")) : [];

    public async ValueTask DisposeAsync()
    {
        await RunAsync("abort", CancellationToken.None);
        Directory.Delete(root, recursive: true);
    }

    private async Task ConfigureAsync(int relayPort, string mainCf, string masterCf, CancellationToken cancellationToken)
    {
        foreach (var name in (string[])["etc", "spool", "data", "mail"])
        {
            Directory.CreateDirectory(Path.Combine(root, name));
        }

        (await CommandResult.RunAsync("chown", ["postfix", Path.Combine(root, "data")], null, null, cancellationToken)).Succeeded();
        (await CommandResult.RunAsync("chown", ["65534:65534", MailDirectory], null, null, cancellationToken)).Succeeded();
        await File.WriteAllTextAsync(Path.Combine(Configuration, "main.cf"), string.Create(
            CultureInfo.InvariantCulture,
            $"""
            compatibility_level = 3.6
            myhostname = mta.test
            mydomain = mta.test
            mydestination = $myhostname, localhost
            mynetworks = 127.0.0.0/8
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            queue_directory = {root}/spool
            data_directory = {root}/data
            command_directory = /usr/sbin
            daemon_directory = /usr/lib/postfix/sbin
            maillog_file = {LogFile}
            maillog_file_prefixes = {root}
            alias_maps =
            relayhost = [127.0.0.1]:{relayPort}
            virtual_mailbox_domains = {MtaInstance.VirtualDomain}
            virtual_mailbox_base = {MailDirectory}
            virtual_mailbox_maps = static:user1/
            virtual_uid_maps = static:65534
            virtual_gid_maps = static:65534
            message_size_limit = 40000000
            {mainCf}

            """), cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(Configuration, "master.cf"), string.Create(
            CultureInfo.InvariantCulture,
            $"""
            127.0.0.1:{SmtpPort} inet n - n - - smtpd
            cleanup   unix  n - n - 0 cleanup
            qmgr      unix  n - n 300 1 qmgr
            rewrite   unix  - - n - - trivial-rewrite
            bounce    unix  - - n - 0 bounce
            defer     unix  - - n - 0 bounce
            trace     unix  - - n - 0 bounce
            verify    unix  - - n - 1 verify
            flush     unix  n - n 1000? 0 flush
            proxymap  unix  - - n - - proxymap
            smtp      unix  - - n - - smtp
            showq     unix  n - n - - showq
            error     unix  - - n - - error
            retry     unix  - - n - - error
            local     unix  - n n - - local
            virtual   unix  - n n - - virtual
            anvil     unix  - - n - 1 anvil
            scache    unix  - - n - 1 scache
            tlsmgr    unix  - - n 1000? 1 tlsmgr
            postlog   unix-dgram n - n - 1 postlogd
            discard   unix  - - n - - discard

            """) + masterCf, cancellationToken);
    }

    /// <summary>With a name server of its own it runs in a mount namespace in which /etc/resolv.conf is another file.</summary>
    private async Task<CommandResult> LaunchAsync(CancellationToken cancellationToken)
    {
        if (nameServer is null)
        {
            return await RunAsync("start", cancellationToken);
        }

        var resolver = Path.Combine(root, "resolv.conf");
        await File.WriteAllTextAsync(resolver, $"nameserver {nameServer}\noptions timeout:2 attempts:1\n", cancellationToken);
        const string script = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
        return await CommandResult.RunAsync(
            "unshare", ["-m", "sh", "-c", script, resolver, Program, "-c", Configuration, "start"], null, null, cancellationToken);
    }

    private Task<CommandResult> RunAsync(string action, CancellationToken cancellationToken) =>
        CommandResult.RunAsync(Program, ["-c", Configuration, action], null, null, cancellationToken);

    private async Task<bool> IsListeningAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var client = await SmtpDialogue.ConnectAsync(SmtpPort, cancellationToken);
            return true;
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or IOException or InvalidOperationException)
        {
            return false;
        }
    }
}
