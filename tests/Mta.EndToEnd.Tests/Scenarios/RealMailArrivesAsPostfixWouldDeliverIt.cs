using System.Text;
using System.Text.RegularExpressions;
using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

/// <summary>
/// The messages of tests/mail through us and through Postfix of the same configuration, to a test server and into a maildir: byte for byte
/// the same but for queue ids, the time, and the form of a Message-Id that was missing.
/// </summary>
public sealed partial class RealMailArrivesAsPostfixWouldDeliverIt
{
    [Theory]
    [InlineData("")]
    [InlineData("local_header_rewrite_clients = static:all\nalways_add_missing_headers = yes")]
    public async Task Real_mail_arrives_as_postfix_would_deliver_it(string configuration)
    {
        var token = TestContext.Current.CancellationToken;
        await using var ourSink = await SmtpSink.StartAsync(token);
        await using var theirSink = await SmtpSink.StartAsync(token);
        await using var postfix = await PostfixJudge.StartAsync(theirSink.Port, configuration, token);
        await using var mta = await MtaInstance.StartAsync(token, $"relayhost = [127.0.0.1]:{ourSink.Port}\nmessage_size_limit = 40000000\n{configuration}");
        var files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "mail"), "*.eml").Order().ToArray();
        await SendAllAsync(mta.SmtpPort, files, token);
        await SendAllAsync(postfix.SmtpPort, files, token);

        var theirs = await theirSink.WaitForAsync(files.Length, token);
        var ours = await ourSink.WaitForAsync(files.Length, token);
        await Until.TrueAsync(() => postfix.Mails("user1").Length == files.Length, "Postfix's maildir", token);
        await mta.WaitForEmptyQueueAsync(token);
        var different = new List<string>();
        Compare(files, ours.ToDictionary(m => m.MailFrom, m => m.Content), theirs.ToDictionary(m => m.MailFrom, m => m.Content), "smtp", different);
        Compare(files, ByReturnPath(mta.Mails("user1")), ByReturnPath(postfix.Mails("user1")), "maildir", different);
        string.Join("\n", different).ShouldBe("");
    }

    private static async Task SendAllAsync(int port, string[] files, CancellationToken cancellationToken)
    {
        await using var client = await SmtpDialogue.ConnectAsync(port, cancellationToken);
        foreach (var file in files)
        {
            var text = (await File.ReadAllTextAsync(file, Encoding.Latin1, cancellationToken)).Replace("\r\n", "\n", StringComparison.Ordinal);
            var reply = await client.SendMailAsync(SenderOf(file), ["a@elsewhere.test", $"user1@{MtaInstance.VirtualDomain}"], text, cancellationToken);
            reply.ShouldStartWith("250 ", customMessage: file);
        }

        await client.SayAsync("QUIT", cancellationToken);
    }

    private static string SenderOf(string file) => Path.GetFileNameWithoutExtension(file) + "@client.test";

    private static Dictionary<string, string> ByReturnPath(string[] files) =>
        files.Select(f => File.ReadAllText(f, Encoding.Latin1)).ToDictionary(t => t[(t.IndexOf('<') + 1)..t.IndexOf('>')]);

    private static void Compare(string[] files, Dictionary<string, string> ours, Dictionary<string, string> theirs, string way, List<string> different)
    {
        foreach (var file in files)
        {
            var (our, their) = (Normal(ours[SenderOf(file)]), Normal(theirs[SenderOf(file)]));
            if (our != their)
            {
                var (ourLines, theirLines) = (our.Split('\n'), their.Split('\n'));
                var at = ourLines.Zip(theirLines).TakeWhile(p => p.First == p.Second).Count();
                different.Add($"{Path.GetFileName(file)} by {way}, line {at}:\n  ours:   {ourLines.ElementAtOrDefault(at)}\n  theirs: {theirLines.ElementAtOrDefault(at)}");
            }
        }
    }

    private static string Normal(string message)
    {
        message = QueueIds().Replace(message, "with $1 id ID");
        message = Times().Replace(message, "TIME");
        return MessageIds().Replace(message, "Message-Id: <ID@mta.test>");
    }

    [GeneratedRegex("with (E?SMTP) id [0-9A-Za-z]+(?=\n\t|;)")]
    private static partial Regex QueueIds();

    [GeneratedRegex("[A-Z][a-z]{2}, [ 0-9]?[0-9] [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} [+-][0-9]{4} \\([A-Z]+\\)$", RegexOptions.Multiline)]
    private static partial Regex Times();

    [GeneratedRegex("^Message-Id: <[0-9A-Za-z.]+@mta\\.test>", RegexOptions.Multiline)]
    private static partial Regex MessageIds();
}
