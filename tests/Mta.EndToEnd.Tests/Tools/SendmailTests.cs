using Mta.EndToEnd.Tests.Harness;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Tools;

public sealed class SendmailTests
{
    private const string Message = "Subject: x\n\nhello\n";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", "(0): Recipient addresses must be specified on the command line or via the -t option")]
    [InlineData("-t", "(0): No recipient addresses found in message header")]
    [InlineData("-bz", "sendmail: fatal: unsupported: -bz")]
    [InlineData("-f", "sendmail: fatal: usage: sendmail [options]")]
    [InlineData("-Z x", "sendmail: invalid option -- 'Z'")]
    [InlineData("-B x y", "sendmail: fatal: -B option needs 8BITMIME or 7BIT")]
    [InlineData("-q -t", "sendmail: fatal: -t can be used only in delivery mode")]
    public async Task Misuse_is_refused_as_postfix_refuses_it(string arguments, string words)
    {
        await using var mta = MtaInstance.Create();
        var result = await mta.RunAsync("sendmail", arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), "", Token);
        result.ExitCode.ShouldBe(75);
        result.Error.ShouldContain(Environment.IsPrivilegedProcess ? words : words.Replace("(0)", "", StringComparison.Ordinal));
        result.Output.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("postqueue", "")]
    [InlineData("postqueue", "-p -f")]
    [InlineData("postqueue", "-p x")]
    public async Task Postqueue_takes_one_action(string command, string arguments)
    {
        await using var mta = MtaInstance.Create();
        var result = await mta.RunAsync(command, arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), "", Token);
        result.ExitCode.ShouldBe(69);
        result.Error.ShouldBe("postqueue: fatal: usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site\n");
    }

    [Fact]
    public async Task Mail_of_any_user_arrives_whether_the_system_is_up_or_down()
    {
        await using var mta = await MtaInstance.StartAsync(Token);
        (await SendAsOtherAsync(mta, Message, "user1@virtual.test")).Succeeded();
        await mta.WaitForMailsAsync("user1", 1, Token);
        (await AsOtherAsync(mta, "mailq", "")).Succeeded().ShouldBe("Mail queue is empty\n");

        (await mta.PostfixAsync("stop", Token)).Succeeded();
        (await SendAsOtherAsync(mta, Message, "user1@virtual.test")).Succeeded();
        (await mta.RunAsync("sendmail", ["user1@virtual.test"], Message, Token)).Succeeded();

        (await mta.PostfixAsync("start", Token)).Succeeded();
        var mails = await mta.WaitForMailsAsync("user1", 3, Token);
        mails.Length.ShouldBe(3);
        await mta.WaitForEmptyQueueAsync(Token);
        mta.Mails("user1").Length.ShouldBe(3);
    }

    [Fact]
    public async Task Options_shape_envelope_and_header()
    {
        await using var mta = await MtaInstance.StartAsync(Token);
        const string input = "From root Mon Jan  1 00:00:00 2024\r\nTo: user1@virtual.test,\r\n\tTwo <user2@virtual.test>\r\nBcc: user3@virtual.test\r\nSubject: x\r\n\r\nhello\r\n.\r\nafter the end\r\n";
        (await mta.RunAsync("sendmail", ["-t", "-f", "\"a b\"@sender.test", "-FAlice Example"], input, Token)).Succeeded();
        (await mta.RunAsync("sendmail", ["-oi", "-f", "", "user4@virtual.test"], "Subject: y\n\n.\nno end\n", Token)).Succeeded();

        var mail = await File.ReadAllTextAsync((await mta.WaitForMailsAsync("user1", 1, Token))[0], Token);
        mail.ShouldStartWith("Return-Path: <\"a b\"@sender.test>\n");
        mail.ShouldContain("\nFrom: Alice Example <\"a b\"@sender.test>\n");
        mail.ShouldNotContain("Bcc:");
        mail.ShouldEndWith("\n\nhello\n");
        await mta.WaitForMailsAsync("user2", 1, Token);
        await mta.WaitForMailsAsync("user3", 1, Token);
        var other = await File.ReadAllTextAsync((await mta.WaitForMailsAsync("user4", 1, Token))[0], Token);
        other.ShouldStartWith("Return-Path: <>\n");
        other.ShouldEndWith("\n\n.\nno end\n");
    }

    [Fact]
    public async Task Smtp_on_standard_input_sends_mail()
    {
        await using var mta = await MtaInstance.StartAsync(Token);
        const string session = "EHLO client.test\r\nMAIL FROM:<a@sender.test>\r\nRCPT TO:<user1@virtual.test>\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n";
        var replies = (await mta.RunAsync("sendmail", ["-bs"], session, Token)).Succeeded();
        replies.ShouldStartWith("220 mta.test ESMTP ");
        replies.ShouldEndWith("250 2.0.0 Ok: queued as maildrop\r\n221 2.0.0 Bye\r\n");
        var mail = await File.ReadAllTextAsync((await mta.WaitForMailsAsync("user1", 1, Token))[0], Token);
        mail.ShouldStartWith("Return-Path: <a@sender.test>\n");
        mail.ShouldEndWith("\n\n.dot\n");
    }

    [Fact]
    public async Task Mail_of_an_sql_transaction_goes_out_when_it_commits()
    {
        await using var mta = await MtaInstance.StartAsync(Token);
        var socket = Path.Combine(Path.GetDirectoryName(mta.ConfigurationDirectory)!, "data", "postgres");
        await using var database = NpgsqlDataSource.Create($"Host={socket};Username=mta_submit;Database=mta");
        await using var connection = await database.OpenConnectionAsync(Token);
        foreach (var end in new[] { "ROLLBACK", "COMMIT" })
        {
            await using var command = new NpgsqlCommand(
                $"BEGIN; SELECT mta.submit('a@sender.test', ARRAY['user1@virtual.test'], E'Subject: {end}\\n\\nhello\\n'); {end}", connection);
            await command.ExecuteNonQueryAsync(Token);
        }

        var mail = await File.ReadAllTextAsync((await mta.WaitForMailsAsync("user1", 1, Token))[0], Token);
        mail.ShouldContain("\nReceived: by mta.test (Postfix, from database role mta_submit)\n");
        mail.ShouldContain("\nSubject: COMMIT\n");
        await mta.WaitForEmptyQueueAsync(Token);
        mta.Mails("user1").Length.ShouldBe(1);
    }

    /// <summary>Postfix's words where it has some, else what helps; never how the server found out.</summary>
    [Fact]
    public async Task Users_who_may_not_read_the_database_hear_so_in_one_line()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root may become somebody else");
        await using var mta = await MtaInstance.StartAsync(Token);
        await CheckAsync();
        (await AsOtherAsync(mta, "mailq", "")).Succeeded().ShouldBe("Mail queue is empty\n");
        (await mta.PostfixAsync("stop", Token)).Succeeded();
        await CheckAsync();
        (await AsOtherAsync(mta, "mailq", "")).ShouldBe(
            new CommandResult(69, "", "postqueue: fatal: Queue report unavailable - mail system is down (Connect to the Postfix showq service: No such file or directory)\n"));

        async Task CheckAsync()
        {
            var line = $"user nobody may not look into the mail database: run this as root or as {TestUser.Name}";
            (await AsOtherAsync(mta, "postcat", "", "-q", "4XyzAb12CdzBcd")).ShouldBe(
                new CommandResult(1, "", "postcat: fatal: open queue file 4XyzAb12CdzBcd: Permission denied\n"));
            (await AsOtherAsync(mta, "qshape", "")).Error.ShouldBe($"qshape: fatal: {line}\n");
            (await AsOtherAsync(mta, "postmap", "", "-q", "x", "hash:/x")).ShouldBe(new CommandResult(1, "", $"postmap: fatal: {line}\n"));
            (await AsOtherAsync(mta, "postsuper", "", "-d", "ALL")).Error.ShouldBe("postsuper: fatal: use of this command is reserved for the superuser\n");
            var status = await AsOtherAsync(mta, "postfix", "", "status", "-v");
            status.ExitCode.ShouldBe(1);
            status.Output.ShouldContain(line);
            (status.Output + status.Error).ShouldNotContain("Peer");
        }
    }

    [Fact]
    public async Task Users_who_are_not_on_the_list_are_refused()
    {
        await using var mta = await MtaInstance.StartAsync(Token, "authorized_submit_users = root\nauthorized_mailq_users = root\nauthorized_flush_users = root");
        if (Environment.IsPrivilegedProcess)
        {
            (await SendAsOtherAsync(mta, Message, "user1@virtual.test")).Error.ShouldBe("sendmail: fatal: User nobody(65534) is not allowed to submit mail\n");
            (await AsOtherAsync(mta, "mailq", "")).Error.ShouldBe("postqueue: fatal: User nobody(65534) is not allowed to view the mail queue\n");
            (await AsOtherAsync(mta, "postqueue", "", "-f")).Error.ShouldBe("postqueue: fatal: User nobody(65534) is not allowed to flush the mail queue\n");
        }

        (await mta.RunAsync("mailq", [], null, Token)).Succeeded().ShouldBe("Mail queue is empty\n");
    }

    [Fact]
    public async Task Deferred_mail_is_shown_by_mailq_and_postcat_and_tried_again_by_postqueue()
    {
        var port = Ports.Free();
        await using var mta = await MtaInstance.StartAsync(Token, $"relayhost = [127.0.0.1]:{port}");
        (await mta.RunAsync("sendmail", ["-f", "a@sender.test", "x@elsewhere.test"], Message, Token)).Succeeded();
        var reason = $"connect to 127.0.0.1[127.0.0.1]:{port}: Connection refused";
        await mta.WaitForLogAsync($"status=deferred ({reason})", Token);
        await Until.TrueAsync(async () => (await mta.QueueAsync(Token)) is [{ QueueName: "deferred" }], "the message is deferred", Token);

        var entry = (await mta.QueueAsync(Token)).ShouldHaveSingleItem();
        entry.Sender.ShouldBe("a@sender.test");
        entry.Recipients.ShouldBe([new QueueRecipient("x@elsewhere.test", reason)]);
        var listing = (await mta.RunAsync("mailq", [], null, Token)).Succeeded().Split('\n');
        listing[0].ShouldBe("----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------");
        listing[1].ShouldStartWith($"{entry.QueueId,-17} {entry.MessageSize,8} ");
        listing[1].ShouldEndWith(" a@sender.test");
        listing[2].ShouldBe($"({reason})".PadLeft(78));
        listing[3].ShouldBe(new string(' ', 47) + "x@elsewhere.test");
        var shown = (await mta.RunAsync("postcat", ["-q", entry.QueueId], null, Token)).Succeeded();
        shown.ShouldStartWith($"*** ENVELOPE RECORDS deferred/{entry.QueueId} ***\nmessage_size: {entry.MessageSize,15} ");
        shown.ShouldContain("\nrecipient: x@elsewhere.test\n");
        (await mta.RunAsync("postcat", ["-b", "-q", entry.QueueId], null, Token)).Succeeded().ShouldBe("\nhello\n");

        (await mta.RunAsync("postqueue", ["-f"], null, Token)).Succeeded();
        await Until.TrueAsync(() => mta.Log().Split("status=deferred").Length > 2, "the message is tried again", Token);
        (await mta.RunAsync("postcat", ["-q", "4jZ3YQ4sDrz1000"], null, Token)).Error.ShouldBe("postcat: fatal: open queue file 4jZ3YQ4sDrz1000: No such file or directory\n");
    }

    private static Task<CommandResult> SendAsOtherAsync(MtaInstance mta, string message, string recipient) => AsOtherAsync(mta, "sendmail", message, recipient);

    /// <summary>Runs a command as a user who has nothing to do with the mail system, where this process may become one.</summary>
    private static Task<CommandResult> AsOtherAsync(MtaInstance mta, string command, string input, params string[] arguments) => !Environment.IsPrivilegedProcess
        ? mta.RunAsync(command, arguments, input, Token)
        : CommandResult.RunAsync(
            "setpriv",
            ["--reuid", "nobody", "--regid", "nogroup", "--clear-groups", Programs.Command(command), .. arguments],
            input,
            new Dictionary<string, string> { ["MAIL_CONFIG"] = mta.ConfigurationDirectory },
            Token);
}
