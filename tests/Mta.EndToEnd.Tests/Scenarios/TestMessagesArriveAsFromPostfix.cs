using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed partial class TestMessagesArriveAsFromPostfix
{
    /// <summary>The messages of tests/mail from a client of this host: at a server and in a maildir they are, byte for byte, what Postfix makes of them.</summary>
    [Fact]
    public async Task Test_messages_arrive_as_from_Postfix()
    {
        var token = TestContext.Current.CancellationToken;
        await using var sink = await SmtpSink.StartAsync(token);
        await using var mta = await MtaInstance.StartAsync(token, $"""
            myhostname = mx.example.org
            mydomain = example.org
            relayhost = [127.0.0.1]:{sink.Port}
            message_size_limit = 0
            virtual_mailbox_limit = 0
            smtp_line_length_limit = 0
            """);
        var expected = new List<string>();
        var files = new Dictionary<string, string>();
        foreach (var line in (await File.ReadAllLinesAsync(PathOf("from-postfix.txt"), token)).Where(l => !l.StartsWith('#')))
        {
            var columns = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            await using var client = await mta.ConnectAsync(token);
            var content = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(PathOf(columns[0]), token)).Replace("\r\n", "\n", StringComparison.Ordinal);
            var reply = await client.SendMailAsync("s@x.example", ["r@far.example", $"user1@{MtaInstance.VirtualDomain}"], content, token);
            reply.ShouldStartWith("250 2.0.0 Ok: queued as ", customMessage: columns[0]);
            files[reply["250 2.0.0 Ok: queued as ".Length..]] = columns[0];
            expected.Add($"{columns[0]} {columns[1]}");
        }

        await mta.WaitForEmptyQueueAsync(token);

        // The sink ends each message by an empty line of its own.
        sink.Messages().Select(m => Describe(m.Content[..^1], files)).Order(StringComparer.Ordinal).ShouldBe(expected);
        mta.Mails("user1").Select(f => Describe(File.ReadAllText(f, Encoding.Latin1), files)).Order(StringComparer.Ordinal).ShouldBe(expected);
    }

    /// <summary>The file that the message came from, and the digest of what it has become.</summary>
    private static string Describe(string content, Dictionary<string, string> files)
    {
        // Our Received header is the first one; what stands before it was added at the delivery.
        var own = OwnHeaders().Match(content);
        var queueId = own.Groups["id"].Value;
        content = Regex.Replace(
            content[own.Length..].Replace(queueId, "QID", StringComparison.Ordinal),
            $@"^((?:Resent-)?Date: )(?:{Day(DateTime.UtcNow)}|{Day(DateTime.UtcNow.AddDays(-1))}) \d\d:\d\d:\d\d \+0000 \(UTC\)$",
            "$1Thu,  5 Nov 2026 01:02:03 +0000 (UTC)",
            RegexOptions.Multiline);
        return $"{files[queueId]} {Convert.ToHexStringLower(SHA256.HashData(Encoding.Latin1.GetBytes(content)))[..16]}";
    }

    private static string Day(DateTime date) => string.Create(CultureInfo.InvariantCulture, $"{date:ddd}, {date.Day,2} {date:MMM yyyy}");

    private static string PathOf(string file, [CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "mail", file);

    [GeneratedRegex(@"\A(?:[A-Z][\w-]+: [^\n]*\n)*?Received: [^\n]*\n\tby [^\n]* id (?<id>\w+);?\n(?:\t[^\n]*\n)*")]
    private static partial Regex OwnHeaders();
}
