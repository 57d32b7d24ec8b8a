using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Mta.EndToEnd.Tests.Harness;
using Mta.EndToEnd.Tests.Rewriting;
using Xunit;

[assembly: AssemblyFixture(typeof(RewritingPair))]

namespace Mta.EndToEnd.Tests.Rewriting;

/// <summary>What became of the messages of a case: replies, what servers got, and what the log says; without what differs between any two runs.</summary>
internal sealed record RewritingOutcome(List<string> Replies, List<string> Delivered, List<string> Log)
{
    public IEnumerable<string> DifferencesFrom(RewritingOutcome theirs) =>
        [.. Differences(Replies, theirs.Replies), .. Differences(Delivered, theirs.Delivered), .. Differences(Log, theirs.Log)];

    private static IEnumerable<string> Differences(List<string> ours, List<string> theirs) =>
        ours.Except(theirs).Select(o => "only ours:   " + o)
            .Concat(theirs.Except(ours).Select(t => "only theirs: " + t))
            .Concat(ours.Count == theirs.Count ? [] : [$"ours are {ours.Count}, theirs {theirs.Count}"]);
}

/// <summary>Our mail system and Postfix, each with two servers that take its mail, given one configuration after the other.</summary>
public sealed partial class RewritingPair : IAsyncDisposable
{
    private const string Base =
        """

        compatibility_level = 3.6
        myhostname = mx.example.org
        mydomain = example.org
        myorigin = $myhostname
        mydestination = $myhostname, localhost, local.example
        recipient_delimiter = +
        local_recipient_maps =
        local_transport = smtp:[127.0.0.1]:SINK1
        relayhost = [127.0.0.1]:SINK1
        minimal_backoff_time = 1000
        notify_classes =

        """;

    private readonly SemaphoreSlim gate = new(1);
    private readonly List<SmtpSink> sinks = [];
    private PostfixJudge? postfix;
    private MtaInstance? mta;
    private string ourMainCf = "";
    private string theirMainCf = "";

    /// <summary>Both outcomes.</summary>
    internal async Task<(RewritingOutcome Ours, RewritingOutcome Theirs)> RunAsync(RewritingCase cases, CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        try
        {
            await StartAsync(cancellationToken);
            var theirs = RunPostfixAsync(cases, cancellationToken);
            return (await RunOursAsync(cases, cancellationToken), await theirs);
        }
        finally
        {
            gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (mta is not null)
        {
            await mta.DisposeAsync();
        }

        if (postfix is not null)
        {
            await postfix.DisposeAsync();
        }

        foreach (var sink in sinks)
        {
            await sink.DisposeAsync();
        }

        gate.Dispose();
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        if (mta is not null)
        {
            return;
        }

        while (sinks.Count < 4)
        {
            sinks.Add(await SmtpSink.StartAsync(cancellationToken));
        }

        postfix ??= await PostfixJudge.StartAsync(sinks[2].Port, "", cancellationToken);
        postfix.UseProcessesOnce();
        mta = await MtaInstance.StartAsync(cancellationToken);
        ourMainCf = await File.ReadAllTextAsync(Path.Combine(mta.ConfigurationDirectory, "main.cf"), cancellationToken);
        theirMainCf = await File.ReadAllTextAsync(Path.Combine(postfix.Configuration, "main.cf"), cancellationToken);
    }

    private async Task<RewritingOutcome> RunOursAsync(RewritingCase cases, CancellationToken cancellationToken)
    {
        var log = mta!.Log().Length;
        await WriteAsync(mta.ConfigurationDirectory, ourMainCf, cases, sinks[0].Port, sinks[1].Port, cancellationToken);
        (await mta.PostfixAsync("reload", cancellationToken)).Succeeded();
        var replies = await SendAsync(mta.SmtpPort, cases, cancellationToken);
        await Until.TrueAsync(
            async () => Array.TrueForAll(await mta.QueueAsync(cancellationToken), e => e.QueueName == "deferred"), "nothing of ours is on its way", cancellationToken);
        return new RewritingOutcome(
            replies, [.. Delivered(1, sinks[0], cases), .. Delivered(2, sinks[1], cases)],
            Log(mta.Log()[log..].Replace(mta.ConfigurationDirectory, "DIRECTORY", StringComparison.Ordinal), sinks[0].Port, sinks[1].Port));
    }

    private async Task<RewritingOutcome> RunPostfixAsync(RewritingCase cases, CancellationToken cancellationToken)
    {
        var log = postfix!.Log().Length;
        await WriteAsync(postfix.Configuration, theirMainCf, cases, sinks[2].Port, sinks[3].Port, cancellationToken);
        await postfix.ReloadAsync(cancellationToken);
        var replies = await SendAsync(postfix.SmtpPort, cases, cancellationToken);
        await Until.TrueAsync(postfix.IsIdle, "nothing of Postfix's is on its way", cancellationToken);

        // Its log service is a process of its own, and comes last.
        await Until.TrueAsync(
            () => IsWhole(postfix.Log()[log..], cases.Messages.Count + cases.Sessions.Count, replies.Count(r => r.EndsWith("queued as ID", StringComparison.Ordinal))),
            "Postfix's log has all sessions and messages", cancellationToken);
        return new RewritingOutcome(
            replies, [.. Delivered(1, sinks[2], cases), .. Delivered(2, sinks[3], cases)],
            Log(postfix.Log()[log..].Replace(postfix.Configuration, "DIRECTORY", StringComparison.Ordinal), sinks[2].Port, sinks[3].Port));
    }

    /// <summary>All sessions have ended, and all messages, those that report on others too, are gone or put off.</summary>
    private static bool IsWhole(string log, int sessions, int accepted)
    {
        var ids = Queued().Matches(log).Select(m => m.Groups[1].Value).ToHashSet();
        return Sessions().Count(log) >= sessions && ids.Count >= accepted && ids.All(
            id => log.Contains($"{id}: removed", StringComparison.Ordinal)
                || log.Split('\n').Any(l => l.Contains($"{id}: to=", StringComparison.Ordinal) && l.Contains("status=deferred", StringComparison.Ordinal)));
    }

    private static async Task WriteAsync(string directory, string mainCf, RewritingCase cases, int first, int second, CancellationToken cancellationToken)
    {
        foreach (var (name, text) in cases.Files.Append(new("main.cf", Merged(mainCf + Base + cases.MainCf))))
        {
            var made = text.Replace("SINK1", first.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
                .Replace("SINK2", second.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
            await File.WriteAllTextAsync(Path.Combine(directory, name), made, Encoding.Latin1, cancellationToken);
        }
    }

    /// <summary>Each parameter once, as it was said last: Postfix's warnings of the others, in many processes, would block its log service.</summary>
    private static string Merged(string mainCf)
    {
        var lines = mainCf.Split('\n');
        var last = new Dictionary<string, int>();
        for (var i = 0; i < lines.Length; i++)
        {
            last[NameOf(lines[i])] = i;
        }

        return string.Join('\n', lines.Where((l, i) => !l.Contains('=', StringComparison.Ordinal) || last[NameOf(l)] == i));

        static string NameOf(string line) => line.Split('=')[0].Trim();
    }

    private static async Task<List<string>> SendAsync(int port, RewritingCase cases, CancellationToken cancellationToken)
    {
        var replies = new List<string>();
        foreach (var message in cases.Messages)
        {
            await using var client = await SmtpDialogue.ConnectAsync(port, cancellationToken);
            await client.ExpectAsync("EHLO client.test", "250", cancellationToken);
            var eightBit = message.Content.Any(c => c > 127) ? " BODY=8BITMIME" : "";
            var utf8 = message.Sender.Concat(string.Concat(message.Recipients)).Any(c => c > 127) ? " SMTPUTF8" : "";
            string[] commands = [$"MAIL FROM:<{message.Sender}>{eightBit}{utf8}", .. message.Recipients.Select(r => $"RCPT TO:<{r}>"), "DATA"];
            var reply = "";
            foreach (var command in commands)
            {
                reply = await client.SayAsync(command, cancellationToken);
                replies.Add($"{message.Name} {command}: {reply}");
            }

            if (reply.StartsWith("354", StringComparison.Ordinal))
            {
                reply = await client.SayAsync(message.Content.Replace("\n.", "\n..", StringComparison.Ordinal).Replace("\n", "\r\n", StringComparison.Ordinal) + ".", cancellationToken);
                replies.Add($"{message.Name}: {QueuedAs().Replace(reply, "queued as ID")}");
            }

            await client.SayAsync("QUIT", cancellationToken);
        }

        foreach (var session in cases.Sessions)
        {
            await TalkAsync(port, session, replies, cancellationToken);
        }

        return replies;
    }

    /// <summary>Commands and their replies, but for greetings, which name the program.</summary>
    private static async Task TalkAsync(int port, string[] session, List<string> replies, CancellationToken cancellationToken)
    {
        // Any address of the loopback network can be the client's.
        var from = session[0].StartsWith("from ", StringComparison.Ordinal) ? session[0][5..] : "127.0.0.1";
        await using var client = await SmtpDialogue.ConnectFromAsync(from, port, cancellationToken);
        var place = $"session {session[0]}";
        var inContent = false;
        foreach (var command in session.Where(c => !c.StartsWith("from ", StringComparison.Ordinal)))
        {
            place = command.StartsWith("MAIL ", StringComparison.Ordinal) ? $"session {session[0]} {command}" : place;
            if (inContent && command != ".")
            {
                await client.SendAsync(Encoding.Latin1.GetBytes(command + "\r\n"), cancellationToken);
                continue;
            }

            // What EHLO announces to some clients only.
            var reply = await client.SayAsync(command, cancellationToken);
            var shown = command.StartsWith("EHLO", StringComparison.Ordinal) && reply.StartsWith("250", StringComparison.Ordinal) ? string.Join(", ", reply.Split('\n').Where(l => l.Contains("-X", StringComparison.Ordinal)))
                : reply.StartsWith("220 ", StringComparison.Ordinal) ? "220"
                : ClientPorts().Replace(QueuedAs().Replace(reply, "queued as ID"), "]:PORT");
            replies.Add($"{place}: {command}: {shown}");
            inContent = reply.StartsWith("354 ", StringComparison.Ordinal);
        }

        try
        {
            await client.SayAsync("QUIT", cancellationToken);
        }
        catch (IOException)
        {
            // The server was done with this client.
        }
    }

    /// <summary>Which server got what for whom. Notifications are a matter of their own.</summary>
    private static List<string> Delivered(int number, SmtpSink sink, RewritingCase cases)
    {
        var all = new List<string>();
        foreach (var message in sink.Messages())
        {
            if (CaseLine().Match(message.Content) is { Success: true } line && !message.Content.Contains("multipart/report", StringComparison.Ordinal) && IsOf(cases, line.Groups[1].Value, out var inSession))
            {
                var recipients = string.Join(", ", message.Recipients.Order(StringComparer.Ordinal));
                all.Add(string.Create(CultureInfo.InvariantCulture, $"{line.Groups[1].Value} at {number}: from <{message.MailFrom}> to {recipients}\n{Normal(message.Content, keepsReceived: inSession)}"));
            }
        }

        all.Sort(StringComparer.Ordinal);
        return all;
    }

    /// <summary>Messages are CASE-NUMBER, those of sessions CASE-sNUMBER.</summary>
    private static bool IsOf(RewritingCase cases, string name, out bool inSession)
    {
        var number = name.StartsWith(cases.Name + "-", StringComparison.Ordinal) ? name.AsSpan(cases.Name.Length + 1) : [];
        inSession = number is ['s', ..];
        number = inSession ? number[1..] : number;
        return number.Length > 0 && !number.ContainsAnyExceptInRange('0', '9');
    }

    private static string Normal(string message, bool keepsReceived)
    {
        message = keepsReceived ? Ids().Replace(message, " id ID") : OwnReceived().Replace(message, "");
        message = Times().Replace(message, "TIME");
        return MessageIds().Replace(message, "essage-Id: <ID@mx.example.org>");
    }

    /// <summary>Deliveries, what checks of the client say, clients and refusals, and warnings of what rewrites.</summary>
    private static List<string> Log(string log, int first, int second)
    {
        var lines = new SortedSet<string>(StringComparer.Ordinal);
        foreach (Match match in Outcomes().Matches(log))
        {
            lines.Add(Port(match.Groups[1].Value + match.Groups[2].Value + QueuedAs().Replace(match.Groups[3].Value, "queued as ID")));
        }

        foreach (Match match in Warnings().Matches(log))
        {
            // What is said when a table is opened or asked beforehand, and what Postfix's library says of what it reads.
            if (!Beside().IsMatch(match.Value))
            {
                var text = Dates().Replace(Ids().Replace(match.Groups[2].Value, " id ID"), "TIME");

                // Without smtputf8_enable Postfix's log has two question marks for ä.
                lines.Add($"{match.Groups[1].Value}: {(text.StartsWith("Illegal", StringComparison.Ordinal) ? NotAscii().Replace(text, "??") : text)}");
            }
        }

        foreach (var match in Sessions().Matches(log).Concat(Clients().Matches(log)))
        {
            lines.Add(ClientPorts().Replace(match.Groups[1].Value, "]:PORT"));
        }

        foreach (Match match in Checks().Matches(log))
        {
            lines.Add(match.Groups[1].Value);
        }

        return [.. lines];

        string Port(string line) => line.Replace(first.ToString(CultureInfo.InvariantCulture), "SINK1", StringComparison.Ordinal)
            .Replace(second.ToString(CultureInfo.InvariantCulture), "SINK2", StringComparison.Ordinal);
    }

    [GeneratedRegex(@" is unavailable[.] | map .*, line |, line \d+: | lookup error for ""\*""|valid_ipv4_hostaddr|midna_domain|smtpd_client_event_limit_exceptions")]
    private static partial Regex Beside();

    [GeneratedRegex(@"postfix/smtpd\[\d+\]: (disconnect from .*(?<!commands=0/0))$", RegexOptions.Multiline)]
    private static partial Regex Sessions();

    [GeneratedRegex(@"postfix/smtpd\[\d+\]: [0-9A-Za-z]+: ((?:client=|reject: |reject_warning: ).*)")]
    private static partial Regex Clients();

    [GeneratedRegex(@"\]:\d{5}")]
    private static partial Regex ClientPorts();

    [GeneratedRegex("[^\\x00-\\x7f]")]
    private static partial Regex NotAscii();

    [GeneratedRegex(" id [0-9A-Za-z]{10,}")]
    private static partial Regex Ids();

    [GeneratedRegex("[A-Z][a-z]{2}, [ 0-9]?[0-9] [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} [+-][0-9]{4} \\([A-Z]+\\)")]
    private static partial Regex Dates();

    [GeneratedRegex("(?:postfix/qmgr\\[[0-9]+\\]|notification): ([0-9A-Za-z]+)(?:: from=<|$)", RegexOptions.Multiline)]
    private static partial Regex Queued();

    [GeneratedRegex("queued as [0-9A-Za-z]+")]
    private static partial Regex QueuedAs();

    [GeneratedRegex(@"^case (\S+)\.$", RegexOptions.Multiline)]
    private static partial Regex CaseLine();

    // The first field is the one that the mail system added.
    [GeneratedRegex(@"\AReceived: [^\n]*\n([ \t][^\n]*\n)*")]
    private static partial Regex OwnReceived();

    [GeneratedRegex("[A-Z][a-z]{2}, [ 0-9]?[0-9] [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} [+-][0-9]{4} \\([A-Z]+\\)$", RegexOptions.Multiline)]
    private static partial Regex Times();

    [GeneratedRegex("essage-Id: <[0-9A-Za-z.]+@mx\\.example\\.org>")]
    private static partial Regex MessageIds();

    [GeneratedRegex(@"[0-9A-Za-z]+: (to=<.*, relay=[^,]*, )(?:conn_use=\d+, )?delay=[^ ]*, delays=[^ ]*, (dsn=[0-9.]+, status=)(.*)")]
    private static partial Regex Outcomes();

    [GeneratedRegex(@"postfix/smtp\[\d+\]: [0-9A-Za-z]{10,}: ((?:replace|prepend|strip|warning|info): (?:header|body) .*)")]
    private static partial Regex Checks();

    // But not what Postfix says of a clock of this machine that runs unlike another one.
    [GeneratedRegex(@"postfix/(cleanup|trivial-rewrite|smtpd?)\[\d+\]: (?:warning|fatal): (?!file system clock|resetting file time)(?:[0-9A-Za-z]{10,}: )?(.*)")]
    private static partial Regex Warnings();
}
