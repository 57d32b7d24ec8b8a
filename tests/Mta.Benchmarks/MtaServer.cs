namespace Mta.Benchmarks;

/// <summary>Our own server, from the programs that build.sh published, with a PostgreSQL of its own unless a URL is given.</summary>
internal sealed class MtaServer(string directory, BenchmarkOptions options, string name = "mta") : MailServer(name, directory)
{
    private string? dist;

    protected override string CommandDirectory => Path.Combine(dist!, "sbin");

    private string DataDirectory => Path.Combine(Root, "data");

    public override IReadOnlyList<int> OwnProcesses => [ReadPid(Path.Combine(Root, "queue", "pid", "master.pid"))];

    public override IReadOnlyList<int> AllProcesses => [.. OwnProcesses, .. Postmasters()];

    /// <summary>The embedded database, as its superuser.</summary>
    public string DatabaseConnection => $"Host={Path.Combine(DataDirectory, "postgres")};Username=postgres;Database=mta";

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        dist = await ReachableDistAsync(cancellationToken).ConfigureAwait(false);
        foreach (var path in new[] { ConfigDirectory, Path.Combine(Root, "queue"), DataDirectory })
        {
            Directory.CreateDirectory(path);
        }

        var owner = Environment.UserName;
        if (Environment.IsPrivilegedProcess)
        {
            owner = File.ReadLines("/etc/passwd").Select(l => l.Split(':')[0]).FirstOrDefault(u => u is "mta" or "postfix") ?? "nobody";
            await Programs.RunAsync("/bin/chown", [owner, Path.Combine(Root, "queue"), DataDirectory], cancellationToken).ConfigureAwait(false);
        }

        var configuration = CommonConfiguration(Path.Combine(Root, "queue"), DataDirectory, owner) + "compatibility_level = 3.12\n";
        if (options.DatabaseUrl is { } url)
        {
            configuration += $"database_url = {url}\n";
        }

        await File.WriteAllTextAsync(Path.Combine(ConfigDirectory, "main.cf"), configuration, cancellationToken).ConfigureAwait(false);
        await File.WriteAllTextAsync(Path.Combine(ConfigDirectory, "master.cf"), MasterConfiguration, cancellationToken).ConfigureAwait(false);
        await CommandAsync("postfix", cancellationToken, "start").ConfigureAwait(false);
    }

    private string MasterConfiguration =>
        $"""
        127.0.0.1:{Port} inet n - n - - smtpd
        pickup    unix  n       -       n       60      1       pickup
        cleanup   unix  n       -       n       -       0       cleanup
        qmgr      unix  n       -       n       300     1       qmgr
        rewrite   unix  -       -       n       -       -       trivial-rewrite
        bounce    unix  -       -       n       -       0       bounce
        defer     unix  -       -       n       -       0       bounce
        smtp      unix  -       -       n       -       -       smtp
        relay     unix  -       -       n       -       -       smtp
        showq     unix  n       -       n       -       -       showq
        error     unix  -       -       n       -       -       error
        retry     unix  -       -       n       -       -       error
        discard   unix  -       -       n       -       -       discard
        local     unix  -       n       n       -       -       local
        virtual   unix  -       n       n       -       -       virtual

        """;

    // A checkout under /root, which is 0700, cannot be read by mail_owner.
    private async Task<string> ReachableDistAsync(CancellationToken cancellationToken)
    {
        var full = Path.GetFullPath(options.Dist);
        if (!File.Exists(Path.Combine(full, "sbin", "postfix")))
        {
            throw new BenchmarkException($"{full}/sbin/postfix is missing: run ./build.sh first");
        }

        for (var path = full; Environment.IsPrivilegedProcess && path is not null; path = Path.GetDirectoryName(path))
        {
            if (!File.GetUnixFileMode(path).HasFlag(UnixFileMode.OtherExecute))
            {
                var copy = Path.Combine(Root, "dist");
                Directory.CreateDirectory(Root);
                await Programs.RunAsync("/bin/cp", ["-a", full, copy], cancellationToken).ConfigureAwait(false);
                return copy;
            }
        }

        return full;
    }

    private IEnumerable<int> Postmasters() =>
        Directory.EnumerateFiles(DataDirectory, "postmaster.pid", SearchOption.AllDirectories).Select(ReadPid);
}
