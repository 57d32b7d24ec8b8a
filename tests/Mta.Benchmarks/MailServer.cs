using System.Globalization;

namespace Mta.Benchmarks;

/// <summary>A mail server under measurement, with its own directories and ports, that relays everything to <see cref="SinkPort"/>.</summary>
internal abstract class MailServer(string name, string directory)
{
    public string Name { get; } = name;

    public int Port { get; } = Programs.FreePort();

    public int SinkPort { get; } = Programs.FreePort();

    public string ConfigDirectory => Path.Combine(Root, "etc");

    protected string Root { get; } = Path.Combine(directory, name.Replace(' ', '-'));

    /// <summary>Lines of main.cf beside those that all servers get.</summary>
    public string MoreConfiguration { get; init; } = "";

    /// <summary>Where the server's commands are.</summary>
    protected abstract string CommandDirectory { get; }

    /// <summary>The processes, with all their descendants, whose memory is the server's.</summary>
    public abstract IReadOnlyList<int> OwnProcesses { get; }

    /// <summary>The same and those of its database, whose CPU counts too.</summary>
    public virtual IReadOnlyList<int> AllProcesses => OwnProcesses;

    public abstract Task StartAsync(CancellationToken cancellationToken);

    public Task StopAsync() => CommandAsync("postfix", CancellationToken.None, "stop");

    /// <summary>Runs one of the server's commands on its configuration.</summary>
    public Task<string> CommandAsync(string command, CancellationToken cancellationToken, params string[] arguments) =>
        Programs.RunAsync(CommandPath(command), ["-c", ConfigDirectory, .. arguments], cancellationToken);

    public string CommandPath(string command) => Path.Combine(CommandDirectory, command);

    /// <summary>How many messages wait in the deferred queue.</summary>
    public async Task<int> CountDeferredAsync(CancellationToken cancellationToken)
    {
        var listing = await CommandAsync("postqueue", cancellationToken, "-j").ConfigureAwait(false);
        return listing.Split('\n').Count(l => l.StartsWith("{\"queue_name\": \"deferred\"", StringComparison.Ordinal));
    }

    protected static int ReadPid(string file) => int.Parse(
        File.ReadLines(file).First(), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);

    /// <summary>What both servers are given; the rest is their defaults.</summary>
    protected string CommonConfiguration(string queueDirectory, string dataDirectory, string mailOwner) =>
        $"""
        queue_directory = {queueDirectory}
        data_directory = {dataDirectory}
        mail_owner = {mailOwner}
        maillog_file = {Root}/mail.log
        maillog_file_prefixes = {Root}
        myhostname = bench.example.com
        mydestination =
        mynetworks = 127.0.0.0/8
        inet_interfaces = loopback-only
        inet_protocols = ipv4
        relayhost = [127.0.0.1]:{SinkPort}
        alias_maps =

        """ + MoreConfiguration;
}
