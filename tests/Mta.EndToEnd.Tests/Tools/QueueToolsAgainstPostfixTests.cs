using System.Globalization;
using System.Text.RegularExpressions;
using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Tools;

/// <summary>The same mail waits here and in Debian's Postfix; its qshape and postqueue say what ours are to say.</summary>
public sealed partial class QueueToolsAgainstPostfixTests
{
    private static readonly (string Sender, string[] Recipients)[] Mails =
    [
        ("alice@one.test", ["a@big.test"]),
        ("alice@one.test", ["b@big.test", "c@big.test", "d@www.small.test"]),
        ("bob@two.test", ["e@BIG.test"]),
        ("", ["f@mail.small.test"]),
        ("carol@sub.two.test", ["g@www.small.test", "h@a-domain-with-a-name-that-is-longer-than-others.test"]),
        ("held@one.test", ["held@big.test"]),
    ];

    // Options of qshape(1), and the queues.
    private static readonly string[] Shapes =
    [
        "deferred", "hold deferred", "incoming active", "-s deferred", "-s -p -m 1 deferred", "-p deferred", "-p -m 1 deferred", "-p -m 2 hold deferred",
        "-b 3 deferred", "-b 20 -t 1 deferred", "-l -b 5 deferred", "-l -t 60 deferred", "-w 120 deferred", "-w 20 -b 12 deferred", "-n 1 deferred", "-N 1 deferred", "maildrop",
    ];

    [Fact]
    public async Task Qshape_and_postqueue_say_what_postfixs_say()
    {
        var token = TestContext.Current.CancellationToken;
        var nowhere = Ports.Free();
        await using var judge = await PostfixJudge.StartAsync(nowhere, "enable_long_queue_ids = yes", token);
        await using var mta = await MtaInstance.StartAsync(token, string.Create(CultureInfo.InvariantCulture, $"relayhost = [127.0.0.1]:{nowhere}"));
        foreach (var port in new[] { judge.SmtpPort, mta.SmtpPort })
        {
            await using var client = await SmtpDialogue.ConnectAsync(port, token);
            await client.ExpectAsync("EHLO client.test", "250", token);
            foreach (var (sender, recipients) in Mails)
            {
                (await client.SendMailAsync(sender, recipients, TestMail.Make("waits", "x\n"), token)).ShouldStartWith("250 ");
            }
        }

        await Until.TrueAsync(() => judge.IsIdle(), "all is deferred by Postfix", token);
        await Until.TrueAsync(async () => (await mta.QueueAsync(token)).Count(m => m.QueueName == "deferred") == Mails.Length, "all is deferred", token);
        await HoldAsync((await JudgeAsync("/usr/sbin/postqueue", "-j")).Single(IsHeld), id => CommandResult.RunAsync("/usr/sbin/postsuper", ["-c", judge.Configuration, "-h", id], null, null, token));
        await HoldAsync((await OursAsync("postqueue", "-j")).Single(IsHeld), id => mta.RunAsync("postsuper", ["-h", id], null, token));

        foreach (var shape in Shapes)
        {
            (await OursAsync("qshape", shape)).ShouldBe(await JudgeAsync("/usr/sbin/qshape", shape), $"qshape {shape}");
        }

        foreach (var option in new[] { "-p", "-j" })
        {
            Normal(await OursAsync("postqueue", option)).ShouldBe(Normal(await JudgeAsync("/usr/sbin/postqueue", option)), $"postqueue {option}");
        }

        async Task<string[]> OursAsync(string command, string options) => Lines((await mta.RunAsync(command, options.Split(' '), null, token)).Succeeded());

        async Task<string[]> JudgeAsync(string command, string options) =>
            Lines((await CommandResult.RunAsync(command, ["-c", judge.Configuration, .. options.Split(' ')], null, null, token)).Succeeded());
    }

    private static bool IsHeld(string line) => line.Contains("held@one.test", StringComparison.Ordinal);

    private static async Task HoldAsync(string line, Func<string, Task<CommandResult>> hold) => (await hold(QueueId().Match(line).Groups[1].Value)).Succeeded();

    private static string[] Lines(string output) => output.TrimEnd('\n').Split('\n');

    /// <summary>
    /// Entries, and the lines of each, in an order of their own, for Postfix's is that of its directories and files; without what differs
    /// between two systems: ids, sizes and times.
    /// </summary>
    private static string Normal(string[] lines)
    {
        var text = string.Join('\n', lines.Select(l => l.StartsWith('{') || l.StartsWith("----", StringComparison.Ordinal) ? l + "\n" : l));

        // Which message comes after the destination was given up is a matter of moments; a short reason is moved to the right.
        text = Reason().Replace(text, "(");
        text = text.Replace("\"delivery temporarily suspended: ", "\"", StringComparison.Ordinal);
        text = JsonValue().Replace(text, "$1 N").Replace("[{", "[\n{", StringComparison.Ordinal).Replace("}, {", "}\n{", StringComparison.Ordinal).Replace("}]}", "}\n]}", StringComparison.Ordinal);
        text = TextEntry().Replace(text, "ID$1 SIZE TIME ");
        text = Total().Replace(text, "-- N Kbytes");
        return string.Join("\n\n", text.Split("\n\n").Select(SortedLines).Order(StringComparer.Ordinal));
    }

    private static string SortedLines(string entry)
    {
        var lines = entry.Trim('\n').Split('\n');
        return string.Join('\n', (string[])[lines[0], .. lines[1..].Order(StringComparer.Ordinal)]);
    }

    [GeneratedRegex("\"queue_id\": \"([^\"]+)\"")]
    private static partial Regex QueueId();

    [GeneratedRegex("(\"queue_id\":|\"arrival_time\":|\"message_size\":) (\"[^\"]+\"|\\d+)")]
    private static partial Regex JsonValue();

    [GeneratedRegex(@"(?m)^[0-9A-Za-z]{10,}([*! #]) *\d+ \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d ")]
    private static partial Regex TextEntry();

    [GeneratedRegex(@"(?m)^ *\((delivery temporarily suspended: )?")]
    private static partial Regex Reason();

    [GeneratedRegex(@"(?m)^-- \d+ Kbytes")]
    private static partial Regex Total();
}
