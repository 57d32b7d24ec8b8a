using System.Diagnostics;
using System.Globalization;
using System.Text;
using Mta.Testing;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>What Postfix's smtp-sink(1) took: the envelope, and the content with LF line ends and without the sink's own headers.</summary>
internal sealed record SinkMessage(string MailFrom, string[] Recipients, string Content)
{
    /// <summary>When its last byte had come.</summary>
    public DateTime ArrivedAt { get; init; }

    public string Subject => Content.Split('\n').First(l => l.StartsWith("Subject: ", StringComparison.Ordinal))["Subject: ".Length..];
}

/// <summary>Debian's smtp-sink on a port of its own, which keeps each message in a file.</summary>
internal sealed class SmtpSink : IAsyncDisposable
{
    private readonly string directory = Programs.NewDirectory("sink");
    private readonly Process process;

    private SmtpSink(string[] options, int port)
    {
        Port = port;
        string[] user = [];
        if (Environment.IsPrivilegedProcess)
        {
            TestUser.Own(directory);
            user = ["-u", TestUser.Name];
        }

        string[] arguments = [.. user, "-d", directory + "/message.", .. options, string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"), "100"];
        process = Process.Start(new ProcessStartInfo("smtp-sink", arguments) { RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true })!;
    }

    public int Port { get; }

    /// <param name="options">Further options of smtp-sink, for example <c>-q rcpt</c> to fail.</param>
    public static Task<SmtpSink> StartAsync(CancellationToken cancellationToken, params string[] options) => StartAtAsync(Ports.Free(), cancellationToken, options);

    public static async Task<SmtpSink> StartAtAsync(int port, CancellationToken cancellationToken, params string[] options)
    {
        var sink = new SmtpSink(options, port);
        await Until.TrueAsync(() => Ports.IsListeningAsync(sink.Port), "smtp-sink listens", cancellationToken);
        return sink;
    }

    /// <summary>All messages that came so far, in the order of their files' names, which are random.</summary>
    public SinkMessage[] Messages() => [.. Complete().Order().Select(Read)];

    public async Task<SinkMessage[]> WaitForAsync(int count, CancellationToken cancellationToken)
    {
        await Until.TrueAsync(() => Complete().Count() >= count, $"{count} messages at smtp-sink", cancellationToken);
        return Messages();
    }

    /// <summary>SIGSTOP or SIGCONT: a peer that takes nothing for a while.</summary>
    public async Task SignalAsync(string signal, CancellationToken cancellationToken) =>
        (await CommandResult.RunAsync("kill", ["-" + signal, process.Id.ToString(CultureInfo.InvariantCulture)], null, null, cancellationToken)).Succeeded();

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    /// <summary>Files that the sink has closed: it makes them when a message begins.</summary>
    private IEnumerable<string> Complete()
    {
        // The files first: one that is closed between the two looks is complete.
        var files = Directory.GetFiles(directory);
        var open = new DirectoryInfo($"/proc/{process.Id}/fd").EnumerateFileSystemInfos().Select(LinkOf).ToHashSet(StringComparer.Ordinal);
        return files.Where(f => !open.Contains(f));
    }

    private static string LinkOf(FileSystemInfo descriptor)
    {
        try
        {
            return descriptor.LinkTarget ?? "";
        }
        catch (IOException)
        {
            return "";
        }
    }

    // The sink writes X-... lines with the envelope and a Received header of its own before the message.
    private static SinkMessage Read(string path)
    {
        var lines = File.ReadAllText(path, Encoding.Latin1).Split('\n');
        var from = "";
        var recipients = new List<string>();
        var at = 0;
        for (; at < lines.Length && !lines[at].StartsWith("Received: ", StringComparison.Ordinal); at++)
        {
            if (lines[at].StartsWith("X-Mail-Args: ", StringComparison.Ordinal))
            {
                from = Address(lines[at]);
            }
            else if (lines[at].StartsWith("X-Rcpt-Args: ", StringComparison.Ordinal))
            {
                recipients.Add(Address(lines[at]));
            }
        }

        at++;
        while (at < lines.Length && lines[at] is ['\t' or ' ', ..])
        {
            at++;
        }

        return new SinkMessage(from, [.. recipients], string.Join('\n', lines.Skip(at))) { ArrivedAt = File.GetLastWriteTimeUtc(path) };
    }

    private static string Address(string line) => line[(line.IndexOf('<') + 1)..line.IndexOf('>')];
}
