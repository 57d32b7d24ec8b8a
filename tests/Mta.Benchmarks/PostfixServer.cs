namespace Mta.Benchmarks;

/// <summary>A private instance of Debian's Postfix with its default process limits. The system's own instance is not touched.</summary>
internal sealed class PostfixServer(string directory, string name = "postfix") : MailServer(name, directory)
{
    private const string DaemonDirectory = "/usr/lib/postfix/sbin";
    private const string MasterTemplate = "/usr/share/postfix/master.cf.dist";

    protected override string CommandDirectory => "/usr/sbin";

    public override IReadOnlyList<int> OwnProcesses => [ReadPid(Path.Combine(Root, "queue", "pid", "master.pid"))];

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            throw new BenchmarkException("--vs-postfix needs root: Postfix starts as root only");
        }

        Programs.Find("postfix");
        foreach (var name in new[] { "etc", "queue", "data" })
        {
            Directory.CreateDirectory(Path.Combine(Root, name));
        }

        await Programs.RunAsync("/bin/chown", ["postfix", Path.Combine(Root, "data")], cancellationToken).ConfigureAwait(false);
        await File.WriteAllTextAsync(
            Path.Combine(ConfigDirectory, "main.cf"),
            CommonConfiguration(Path.Combine(Root, "queue"), Path.Combine(Root, "data"), "postfix")
            + $"compatibility_level = 3.6\ncommand_directory = {CommandDirectory}\ndaemon_directory = {DaemonDirectory}\nsetgid_group = postdrop\n",
            cancellationToken).ConfigureAwait(false);
        await File.WriteAllTextAsync(Path.Combine(ConfigDirectory, "master.cf"), MasterConfiguration(), cancellationToken).ConfigureAwait(false);
        await CommandAsync("postfix", cancellationToken, "start").ConfigureAwait(false);
    }

    /// <summary>Debian's file with our port, and without chroot, which would need more files than a private instance has.</summary>
    private string MasterConfiguration()
    {
        var lines = new List<string>();
        foreach (var line in File.ReadLines(MasterTemplate).Where(l => !l.StartsWith('#') && l.Length > 0))
        {
            var fields = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (line[0] == ' ' || fields.Length < 8)
            {
                lines.Add(line);
                continue;
            }

            fields[0] = fields is ["smtp", "inet", ..] ? $"127.0.0.1:{Port}" : fields[0];
            fields[4] = "n";
            lines.Add(string.Join(' ', fields));
        }

        lines.Add("postlog unix-dgram n - n - 1 postlogd");
        return string.Join('\n', lines.DistinctBy(l => l.StartsWith("postlog ", StringComparison.Ordinal) ? "postlog" : l + lines.IndexOf(l))) + "\n";
    }
}
