using System.Text;
using System.Text.RegularExpressions;
using Mta.EndToEnd.Tests.Harness;

namespace Mta.EndToEnd.Tests.Checks;

/// <summary>What came of one case in one mail system: the reply, the log of its message, and what was delivered.</summary>
internal static partial class CheckOutcome
{
    /// <summary>Sends a case's message, and gives the reply to its end.</summary>
    public static async Task<string> SendAsync(CheckCase check, string address, int port, CancellationToken cancellationToken)
    {
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
            var lines = check.Message.TrimEnd('\n').Split('\n').Select(l => l.StartsWith('.') ? "." + l : l);
            await client.SendAsync(Encoding.Latin1.GetBytes(string.Join("\r\n", lines) + "\r\n.\r\n"), cancellationToken);
            replies.Add(await client.ReplyAsync(cancellationToken));
        }

        await client.SayAsync("QUIT", cancellationToken);
        return string.Join("\n", replies.Where(r => !r.StartsWith("250 2.1", StringComparison.Ordinal) && !r.StartsWith("354", StringComparison.Ordinal)));
    }

    /// <summary>True when the log has the end of every message that was queued, unless it is on hold.</summary>
    public static bool IsSettled(string log, IEnumerable<string> replies) =>
        replies.Select(QueueIdOf).All(id => id is null
            || log.Contains($"{id}: removed", StringComparison.Ordinal)
            || log.Contains($"{id}: hold: ", StringComparison.Ordinal)
            || log.Contains($"{id}: discard: ", StringComparison.Ordinal)
            || (log.Contains($"{id}: to=<", StringComparison.Ordinal) && log.Contains("status=deferred", StringComparison.Ordinal)));

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
            .ToList();
        var id = lines.Select(l => ClientLines().Match(l)).FirstOrDefault(m => m.Success)?.Groups[1].Value;
        foreach (var line in lines.Concat(Deliveries(log, id ?? "NOQUEUE")))
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

            foreach (var file in Directory.GetFiles(Path.Combine(directory, "new")))
            {
                text.Append("--- ").Append(name).Append('\n').Append(File.ReadAllText(file, Encoding.Latin1));
            }
        }

        var result = id is null ? text.ToString() : text.ToString().Replace(id, "QID", StringComparison.Ordinal);
        return MessageIds().Replace(Times().Replace(result, "TIME"), "<QID@mta.test>");
    }

    private static IEnumerable<string> Deliveries(string log, string id) =>
        log.Split('\n').Select(l => DeliveryLines().Match(l)).Where(m => m.Success && m.Groups[2].Value == id)
            .Select(m => $"{m.Groups[1].Value}: {id}: {m.Groups[3].Value} {m.Groups[4].Value}").Order(StringComparer.Ordinal);

    private static string? QueueIdOf(string reply) => QueuedReplies().Match(reply) is { Success: true } match ? match.Groups[1].Value : null;

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
