using Mta.Core.Delivery;
using Mta.Core.Queue;
using Shouldly;
using Xunit;
using static Mta.Services.Tests.Smtp.SmtpScenario;

namespace Mta.Services.Tests.Smtp;

public sealed class SmtpDeliveryTests
{
    [Fact]
    public async Task A_message_goes_out_with_its_envelope()
    {
        await using var server = new ScriptedServer();
        using var scenario = new SmtpScenario();
        var status = await scenario.DeliverAsync(server.Nexthop, "Subject: x\n\n.dot\nbody");

        status.Action.ShouldBe(DeliveryAction.Sent);
        status.Dsn.ShouldBe("2.0.0");
        status.Text.ShouldBe("250 2.0.0 Ok: queued as TEST");
        status.Relay.ShouldBe($"127.0.0.1[127.0.0.1]:{server.Port}");
        status.RemoteMta.ShouldBe("127.0.0.1");
        status.ConnectionUse.ShouldBe(1);
        status.Tls.ShouldBeNull();
        server.Commands.ShouldBe([
            "EHLO client.test", "MAIL FROM:<sender@y.test> SIZE=21", "RCPT TO:<a@x.test> ORCPT=rfc822;a@x.test", "DATA"]);
        server.Messages.ShouldBe(["Subject: x\r\n\r\n.dot\r\nbody\r\n"]);
    }

    [Fact]
    public async Task Recipients_have_outcomes_of_their_own()
    {
        await using var server = new ScriptedServer
        {
            Reply = line => line.Contains("bad@", StringComparison.Ordinal) ? "550 5.1.1 No such user"
                : line.Contains("grey@", StringComparison.Ordinal) ? "450 Greylisted"
                : line.Contains("many@", StringComparison.Ordinal) ? "552 5.5.3 Too many recipients" : null,
        };
        using var scenario = new SmtpScenario();
        await scenario.DeliverAsync(server.Nexthop, recipients: [To("bad@x.test"), To("good@x.test"), To("grey@x.test"), To("many@x.test")]);

        var bad = scenario.Statuses["bad@x.test"];
        bad.Action.ShouldBe(DeliveryAction.Bounced);
        bad.Dsn.ShouldBe("5.1.1");
        bad.Text.ShouldBe("host 127.0.0.1[127.0.0.1] said: 550 5.1.1 No such user (in reply to RCPT TO command)");
        bad.RemoteReply.ShouldBe("550 5.1.1 No such user");
        scenario.Statuses["good@x.test"].Action.ShouldBe(DeliveryAction.Sent);
        var grey = scenario.Statuses["grey@x.test"];
        grey.Action.ShouldBe(DeliveryAction.Deferred);
        grey.Dsn.ShouldBe("4.0.0");
        var many = scenario.Statuses["many@x.test"];
        many.Action.ShouldBe(DeliveryAction.Deferred);
        many.Dsn.ShouldBe("4.5.3");
        many.Text.ShouldContain("said: 552 5.5.3");
        scenario.DestinationFailures.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("354 go ahead")]
    [InlineData("554 5.5.1 no valid recipients")]
    [InlineData("503 bad sequence")]
    public async Task A_server_that_refused_all_recipients_gets_no_content_and_the_connection_goes_on(string replyToData)
    {
        var refuse = true;
        await using var server = new ScriptedServer
        {
            Reply = line => refuse && line.StartsWith("RCPT", StringComparison.Ordinal) ? "550 5.1.1 no"
                : refuse && line == "DATA" ? replyToData : null,
        };
        using var scenario = new SmtpScenario();
        (await scenario.DeliverAsync(server.Nexthop)).Action.ShouldBe(DeliveryAction.Bounced);
        server.Messages.ShouldBe(replyToData.StartsWith("354", StringComparison.Ordinal) ? [""] : []);

        refuse = false;
        var status = await scenario.DeliverAsync(server.Nexthop);
        status.Action.ShouldBe(DeliveryAction.Sent);
        status.ConnectionUse.ShouldBe(2);
        server.Connections.ShouldBe(1);
        server.Commands.Contains("RSET").ShouldBe(!replyToData.StartsWith("354", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("MAIL", "550 5.7.1 go away", DeliveryAction.Bounced, "5.7.1", "MAIL FROM command")]
    [InlineData("MAIL", "451 later", DeliveryAction.Deferred, "4.0.0", "MAIL FROM command")]
    [InlineData("DATA", "554 5.6.0 no", DeliveryAction.Bounced, "5.6.0", "DATA command")]
    [InlineData("DATA", "451 4.3.0 later", DeliveryAction.Deferred, "4.3.0", "DATA command")]
    public async Task A_refused_command_is_named(string verb, string reply, DeliveryAction action, string dsn, string command)
    {
        foreach (var extensions in (IReadOnlyList<string>[])[["PIPELINING"], ["SIZE"]])
        {
            await using var server = new ScriptedServer
            {
                Extensions = extensions,
                Reply = line => line.StartsWith(verb, StringComparison.Ordinal) ? reply : null,
            };
            using var scenario = new SmtpScenario();
            var status = await scenario.DeliverAsync(server.Nexthop);
            status.Action.ShouldBe(action);
            status.Dsn.ShouldBe(dsn);
            status.Text.ShouldBe($"host 127.0.0.1[127.0.0.1] said: {reply} (in reply to {command})");
            scenario.DestinationFailures.ShouldBeEmpty();
        }
    }

    [Theory]
    [InlineData("554 5.7.0 spam", DeliveryAction.Bounced)]
    [InlineData("451 4.7.0 later", DeliveryAction.Deferred)]
    public async Task A_refused_message_is_refused_for_all_its_recipients(string outcome, DeliveryAction action)
    {
        await using var server = new ScriptedServer { Outcome = _ => outcome };
        using var scenario = new SmtpScenario();
        await scenario.DeliverAsync(server.Nexthop, recipients: [To("a@x.test"), To("b@x.test")]);
        scenario.Statuses.Values.ShouldAllBe(s =>
            s.Action == action && s.Text == $"host 127.0.0.1[127.0.0.1] said: {outcome} (in reply to end of DATA command)");
    }

    [Fact]
    public async Task Without_pipelining_commands_go_one_by_one()
    {
        await using var server = new ScriptedServer { Extensions = [] };
        using var scenario = new SmtpScenario();
        await scenario.DeliverAsync(server.Nexthop, recipients: [To("a@x.test"), To("b@x.test")]);
        server.Commands.ShouldBe(["EHLO client.test", "MAIL FROM:<sender@y.test>", "RCPT TO:<a@x.test>", "RCPT TO:<b@x.test>", "DATA"]);
        scenario.Statuses.Values.ShouldAllBe(s => s.Action == DeliveryAction.Sent);
    }

    [Fact]
    public async Task A_server_without_EHLO_is_greeted_with_HELO()
    {
        await using var server = new ScriptedServer { Reply = line => line.StartsWith("EHLO", StringComparison.Ordinal) ? "502 what" : null };
        using var scenario = new SmtpScenario();
        (await scenario.DeliverAsync(server.Nexthop)).Action.ShouldBe(DeliveryAction.Sent);
        server.Commands.Take(3).ShouldBe(["EHLO client.test", "HELO client.test", "MAIL FROM:<sender@y.test>"]);
    }

    [Fact]
    public async Task A_thousand_recipients_go_in_one_transaction()
    {
        await using var server = new ScriptedServer();
        using var scenario = new SmtpScenario();
        await scenario.DeliverAsync(server.Nexthop, recipients: [.. Enumerable.Range(0, 1000).Select(i => To($"r{i}@x.test"))]);
        scenario.Statuses.Values.ShouldAllBe(s => s.Action == DeliveryAction.Sent);
        server.Messages.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Delivery_status_parameters_are_passed_on_to_a_server_that_knows_them()
    {
        await using var server = new ScriptedServer { Extensions = ["PIPELINING", "DSN"] };
        using var scenario = new SmtpScenario();
        await scenario.DeliverAsync(
            server.Nexthop,
            recipients: [To("a+b@x.test", DsnNotify.Success | DsnNotify.Delay, "rfc822;orig@x.test"), To("c+d@x.test", DsnNotify.Never)]);
        server.Commands.Skip(2).Take(2).ShouldBe([
            "RCPT TO:<a+b@x.test> ORCPT=rfc822;orig@x.test NOTIFY=SUCCESS,DELAY",
            "RCPT TO:<c+d@x.test> ORCPT=rfc822;c+2Bd@x.test NOTIFY=NEVER"]);
        scenario.Statuses["a+b@x.test"].Action.ShouldBe(DeliveryAction.Sent);
        scenario.Statuses["a+b@x.test"].DsnPassedOn.ShouldBeTrue();
    }

    [Fact]
    public async Task Success_notices_that_a_server_cannot_send_are_relayed()
    {
        await using var server = new ScriptedServer { Extensions = ["PIPELINING"] };
        using var scenario = new SmtpScenario();
        await scenario.DeliverAsync(server.Nexthop, recipients: [To("a@x.test", DsnNotify.Success), To("b@x.test", DsnNotify.Failure)]);
        scenario.Statuses["a@x.test"].Action.ShouldBe(DeliveryAction.Relayed);
        scenario.Statuses["b@x.test"].Action.ShouldBe(DeliveryAction.Sent);
    }

    [Fact]
    public async Task Addresses_are_quoted_where_they_must_be()
    {
        await using var server = new ScriptedServer { Extensions = [] };
        using var scenario = new SmtpScenario();
        await scenario.DeliverAsync(server.Nexthop, recipients: [To("a b@x.test"), To("in\r\njection@x.test")]);
        server.Commands.ShouldContain("RCPT TO:<\"a b\"@x.test>");
        server.Commands.ShouldNotContain("jection@x.test>");
    }

    [Fact]
    public async Task A_message_that_is_too_large_is_not_tried()
    {
        await using var server = new ScriptedServer { Extensions = ["SIZE 10"] };
        using var scenario = new SmtpScenario();
        var status = await scenario.DeliverAsync(server.Nexthop);
        status.Dsn.ShouldBe("5.3.4");
        status.Text.ShouldBe("message size 17 exceeds size limit 10 of server 127.0.0.1[127.0.0.1]");
        server.Commands.ShouldBe(["EHLO client.test"]);
    }

    [Fact]
    public async Task Internationalized_mail_needs_a_server_for_it()
    {
        await using var server = new ScriptedServer { Extensions = ["8BITMIME"] };
        using var scenario = new SmtpScenario();
        var status = await scenario.DeliverAsync(server.Nexthop, "Subject: ä\n\nx\n", EnvelopeFlags.SmtpUtf8);
        status.Dsn.ShouldBe("5.6.7");
        status.Text.ShouldBe("SMTPUTF8 is required, but was not offered by host 127.0.0.1[127.0.0.1]");
        (await scenario.DeliverAsync(server.Nexthop, "Subject: a\n\nx\n", EnvelopeFlags.SmtpUtf8)).Action.ShouldBe(DeliveryAction.Sent);
        server.Extensions = ["SMTPUTF8"];
        using var second = new SmtpScenario();
        (await second.DeliverAsync(server.Nexthop, "Subject: ä\n\nx\n", EnvelopeFlags.SmtpUtf8)).Action.ShouldBe(DeliveryAction.Sent);
        server.Commands.ShouldContain("MAIL FROM:<sender@y.test> SMTPUTF8");
    }

    [Fact]
    public async Task Long_lines_are_folded()
    {
        await using var server = new ScriptedServer();
        using var scenario = new SmtpScenario();
        await scenario.DeliverAsync(server.Nexthop, "\n" + new string('x', 1000) + "\n");
        server.Messages.ShouldBe(["\r\n" + new string('x', 998) + "\r\n xx\r\n"]);
        scenario.Log.ShouldContain(line => line.EndsWith("breaking line > 998 bytes with <CR><LF>SPACE", StringComparison.Ordinal));
    }
}
