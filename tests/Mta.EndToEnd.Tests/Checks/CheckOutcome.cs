using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Mta.EndToEnd.Tests.Harness;

namespace Mta.EndToEnd.Tests.Checks;

/// <summary>What came of one case in one mail system: the reply, the log of its message, and what was delivered.</summary>
internal static partial class CheckOutcome
{
    /// <summary>Sends a case's message, and gives the reply to its end; or plays its script, and gives all replies.</summary>
    public static async Task<string> SendAsync(CheckCase check, string address, int port, CancellationToken cancellationToken)
    {
        if (check.Script.Count > 0)
        {
            return await PlayAsync(check, address, port, cancellationToken);
        }

        await using var client = await SmtpDialogue.ConnectAsync(address, port, cancellationToken);
        await client.ExpectAsync("EHLO client.test", "250", cancellationToken);
        var replies = new List<string> { await client.SayAsync($"MAIL FROM:<{check.Sender}>", cancellationToken) };
        foreach (var recipient in check.Recipients)
        {
            replies.Add(await client.SayAsync($"RCPT TO:<{recipient}>", cancellationToken));
        }

        replies.Add(await client.SayAsync("DATA", cancellationToken));
        if (replies[^1].StartsWith("354", StringComparison.Ordinal))
        {
            await client.SendAsync(Encoding.Latin1.GetBytes(Stuffed(check)), cancellationToken);
            replies.Add(await client.ReplyAsync(cancellationToken));
        }

        await client.SayAsync("QUIT", cancellationToken);
        return string.Join("\n", replies.Where(r => !r.StartsWith("250 2.1", StringComparison.Ordinal) && !r.StartsWith("354", StringComparison.Ordinal)));
    }

    private static async Task<string> PlayAsync(CheckCase check, string address, int port, CancellationToken cancellationToken)
    {
        await using var client = await SmtpDialogue.OpenAsync(address, port, cancellationToken);
        var replies = new List<string> { client.Greeting };
        foreach (var line in check.Script)
        {
            // After these the server hangs up.
            if (replies[^1].Split('\n')[^1][..3] is "421" or "521")
            {
                replies.Add($"then {(await client.ReplyAsync(cancellationToken)).Length} bytes");
                break;
            }

            var content = check.Message.Replace("\n", "\r\n", StringComparison.Ordinal);
            var command = line == "BDAT" ? $"BDAT {content.Length.ToString(CultureInfo.InvariantCulture)} LAST\r\n{content}" : line + "\r\n";
            await client.SendAsync(Encoding.Latin1.GetBytes(command), cancellationToken);
            var reply = await client.ReplyAsync(cancellationToken);
            if (line == "DATA" && reply.StartsWith("354", StringComparison.Ordinal))
            {
                await client.SendAsync(Encoding.Latin1.GetBytes(Stuffed(check)), cancellationToken);
                reply += "\n" + await client.ReplyAsync(cancellationToken);
            }

            replies.Add(reply.StartsWith("250-", StringComparison.Ordinal) ? "250-..." : reply);
            if (reply.Length == 0)
            {
                break;
            }
        }

        return string.Join("\n", replies);
    }

    private static string Stuffed(CheckCase check) =>
        string.Join("\r\n", check.Message.TrimEnd('\n').Split('\n').Select(l => l.StartsWith('.') ? "." + l : l)) + "\r\n.\r\n";

    /// <summary>True when the log has the end of every message that was queued, unless it is on hold or thrown away.</summary>
    public static bool IsSettled(string log, List<string> replies)
    {
        var sessions = Sessions(log);
        return sessions.Count >= replies.Count && log.Split(": disconnect from localhost[").Length > sessions.Count && sessions[^replies.Count..].Zip(replies).All(c => QueueIdsOf(c.Second).All(id =>
            log.Contains($"{id}: removed", StringComparison.Ordinal)
            || (log.Contains($"{id}: to=<", StringComparison.Ordinal) && log.Contains("status=deferred", StringComparison.Ordinal))
            || (HasNoDelivery().IsMatch(c.First) && !log.Contains($"{id}: from=<", StringComparison.Ordinal))));
    }

    [GeneratedRegex(": (hold|discard): ")]
    private static partial Regex HasNoDelivery();

    /// <summary>The parts of a log that belong to sessions, in order; what comes before the first one is left out.</summary>
    public static List<string> Sessions(string log) => [.. log.Split(": connect from localhost[").Skip(1)];

    /// <summary>The reply, the lines of the log that are the case's, and the mail in its mailboxes, in a form that both systems have in common.</summary>
    /// <param name="session">The log from the begin of the case's session to the next one's.</param>
    public static string Describe(CheckCase check, string reply, string session, string log, string mailDirectory)
    {
        var text = new StringBuilder();
        text.Append("reply: ").Append(reply).Append('\n');
        var lines = session.Split('\n').Select(l => Lines().Match(l)).Where(m => m.Success)
            .Select(m => $"{m.Groups[1].Value}: {m.Groups[2].Value}")
            .Where(l => !Beside().IsMatch(l))
            .Where(l => (l.StartsWith("smtpd: ", StringComparison.Ordinal) && !l.StartsWith("smtpd: disconnect ", StringComparison.Ordinal))
                || l.StartsWith("cleanup: ", StringComparison.Ordinal))
            .Where(l => !l.EndsWith(": canceled", StringComparison.Ordinal))
            .OrderBy(l => l.StartsWith("cleanup: ", StringComparison.Ordinal))
            .ToList();
        var ids = lines.Select(l => ClientLines().Match(l)).Where(m => m.Success).Select(m => m.Groups[1].Value).ToList();
        foreach (var line in lines.Concat(ids.SelectMany(id => Deliveries(log, id))))
        {
            text.Append(line).Append('\n');
        }

        foreach (var directory in Directory.GetDirectories(mailDirectory, check.Mailbox + "*").Order(StringComparer.Ordinal))
        {
            var name = Path.GetFileName(directory);
            if (name.Length > check.Mailbox.Length && char.IsAsciiDigit(name[check.Mailbox.Length]))
            {
                continue;
            }

            foreach (var mail in Directory.GetFiles(Path.Combine(directory, "new")).Select(f => File.ReadAllText(f, Encoding.Latin1)).Order(StringComparer.Ordinal))
            {
                text.Append("--- ").Append(name).Append('\n').Append(mail);
            }
        }

        var result = ids.Aggregate(text, (t, id) => t.Replace(id, "QID")).ToString();
        return MessageIds().Replace(Times().Replace(result, "TIME"), "<QID@mta.test>");
    }

    private static IEnumerable<string> Deliveries(string log, string id) =>
        log.Split('\n').Select(l => DeliveryLines().Match(l)).Where(m => m.Success && m.Groups[2].Value == id)
            .Select(m => $"{m.Groups[1].Value}: {id}: {m.Groups[3].Value} {m.Groups[4].Value}").Order(StringComparer.Ordinal);

    private static IEnumerable<string> QueueIdsOf(string reply) => QueuedReplies().Matches(reply).Select(m => m.Groups[1].Value);

    /// <summary>What Postfix says of this machine and of its main.cf; and the Message-ID that it makes for the report to postmaster.</summary>
    [GeneratedRegex("overriding earlier entry|file system clock|file time stamps|message-id=<[0-9]{14}\\.[0-9A-Z]+@mta")]
    private static partial Regex Beside();

    [GeneratedRegex(@"queued as ([0-9A-Za-z]+)")]
    private static partial Regex QueuedReplies();

    [GeneratedRegex(@"^smtpd: ([0-9A-Za-z]+): client=")]
    private static partial Regex ClientLines();

    [GeneratedRegex(@"postfix/(?:[^/ ]*/)?([a-z]+)\[\d+\]: (.*)$")]
    private static partial Regex Lines();

    [GeneratedRegex(@"postfix/(?:[^/ ]*/)?([a-z]+)\[\d+\]: ([0-9A-Za-z]+): (to=<.*), delay=.*, (dsn=.*)$")]
    private static partial Regex DeliveryLines();

    [GeneratedRegex(@"[A-Z][a-z]{2}, [ 0-9]?[0-9] [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} [+-][0-9]{4} \([A-Z]+\)")]
    private static partial Regex Times();

    [GeneratedRegex(@"<(?:[0-9]{14}\.)?QID@mta\.test>")]
    private static partial Regex MessageIds();
}
