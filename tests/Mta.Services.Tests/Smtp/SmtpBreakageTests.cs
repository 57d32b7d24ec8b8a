using System.Net;
using System.Net.Sockets;
using System.Text;
using Mta.Core.Delivery;
using Mta.Core.Queue;
using Mta.Storage;
using Shouldly;
using Xunit;
using static Mta.Services.Tests.Smtp.SmtpScenario;

namespace Mta.Services.Tests.Smtp;

public sealed class SmtpBreakageTests
{
    [Fact]
    public async Task Nobody_listens()
    {
        var port = FreePort();
        using var scenario = new SmtpScenario();
        var status = await scenario.DeliverAsync($"[127.0.0.1]:{port}", recipients: [To("a@x.test"), To("b@x.test")]);
        status.Action.ShouldBe(DeliveryAction.Deferred);
        status.Dsn.ShouldBe("4.4.1");
        status.Text.ShouldBe($"connect to 127.0.0.1[127.0.0.1]:{port}: Connection refused");
        status.Relay.ShouldBe("none");
        scenario.DestinationFailures.ShouldHaveSingleItem().ShouldBeSameAs(status);
    }

    [Theory]
    [InlineData("554 5.3.2 no service", "4.3.2")]
    [InlineData("421 4.3.2 shutting down", "4.3.2")]
    [InlineData("550 go", "4.0.0")]
    public async Task A_server_does_not_want_to_talk(string greeting, string dsn)
    {
        await using var server = new ScriptedServer { Greeting = greeting };
        using var scenario = new SmtpScenario();
        var status = await scenario.DeliverAsync(server.Nexthop);
        status.Action.ShouldBe(DeliveryAction.Deferred);
        status.Dsn.ShouldBe(dsn);
        status.Text.ShouldBe($"host 127.0.0.1[127.0.0.1] refused to talk to me: {greeting}");
        scenario.DestinationFailures.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_server_knows_neither_EHLO_nor_HELO()
    {
        await using var server = new ScriptedServer { Reply = _ => "550 5.7.1 who are you" };
        using var scenario = new SmtpScenario();
        var status = await scenario.DeliverAsync(server.Nexthop);
        status.Action.ShouldBe(DeliveryAction.Bounced);
        status.Text.ShouldBe("host 127.0.0.1[127.0.0.1] refused to talk to me: 550 5.7.1 who are you");
    }

    [Theory]
    [InlineData("EHLO", "performing the EHLO handshake", true)]
    [InlineData("MAIL", "sending MAIL FROM", false)]
    [InlineData("RCPT", "sending RCPT TO", false)]
    [InlineData("DATA", "sending DATA command", false)]
    public async Task A_connection_is_lost(string verb, string doing, bool destinationFails)
    {
        await using var server = new ScriptedServer { Reply = line => line.StartsWith(verb, StringComparison.Ordinal) ? "drop" : null };
        using var scenario = new SmtpScenario();
        var status = await scenario.DeliverAsync(server.Nexthop);
        status.Action.ShouldBe(DeliveryAction.Deferred);
        status.Dsn.ShouldBe("4.4.2");
        status.Text.ShouldBe($"lost connection with 127.0.0.1[127.0.0.1] while {doing}");
        status.Relay.ShouldBe($"127.0.0.1[127.0.0.1]:{server.Port}");
        scenario.DestinationFailures.Count.ShouldBe(destinationFails ? 1 : 0);
    }

    [Fact]
    public async Task A_connection_is_lost_before_the_greeting()
    {
        await using var server = new ScriptedServer { Greeting = "drop" };
        using var scenario = new SmtpScenario();
        (await scenario.DeliverAsync(server.Nexthop)).Text.ShouldBe("lost connection with 127.0.0.1[127.0.0.1] while receiving the initial server greeting");
    }

    [Theory]
    [InlineData("smtp_helo_timeout", "", "", "receiving the initial server greeting")]
    [InlineData("smtp_helo_timeout", "220 x", "EHLO", "performing the EHLO handshake")]
    [InlineData("smtp_mail_timeout", "220 x", "MAIL", "sending MAIL FROM")]
    [InlineData("smtp_rcpt_timeout", "220 x", "RCPT", "sending RCPT TO")]
    [InlineData("smtp_data_init_timeout", "220 x", "DATA", "sending DATA command")]
    public async Task A_server_that_is_silent_is_given_up(string parameter, string greeting, string verb, string doing)
    {
        await using var server = new ScriptedServer
        {
            Greeting = greeting,
            Extensions = [],
            Reply = line => verb.Length > 0 && line.StartsWith(verb, StringComparison.Ordinal) ? "" : null,
        };
        using var scenario = new SmtpScenario($"{parameter} = 1s");
        var status = await scenario.DeliverAsync(server.Nexthop);
        status.Action.ShouldBe(DeliveryAction.Deferred);
        status.Dsn.ShouldBe("4.4.2");
        status.Text.ShouldBe($"conversation with 127.0.0.1[127.0.0.1] timed out while {doing}");
    }

    [Fact]
    public async Task The_reply_to_the_message_does_not_come()
    {
        await using var server = new ScriptedServer { Outcome = _ => "" };
        using var scenario = new SmtpScenario("smtp_data_done_timeout = 1s");
        var status = await scenario.DeliverAsync(server.Nexthop);
        status.Action.ShouldBe(DeliveryAction.Deferred);
        status.Text.ShouldBe(
            "conversation with 127.0.0.1[127.0.0.1] timed out while sending end of data -- message may be sent more than once");
    }

    [Fact]
    public async Task A_server_that_closes_down_says_so_for_all()
    {
        await using var server = new ScriptedServer { Reply = line => line.Contains("b@", StringComparison.Ordinal) ? "421 4.3.2 closing" : null };
        using var scenario = new SmtpScenario();
        await scenario.DeliverAsync(server.Nexthop, recipients: [To("a@x.test"), To("b@x.test"), To("c@x.test")]);
        scenario.Statuses.Values.ShouldAllBe(s => s.Action == DeliveryAction.Deferred
            && s.Text == "host 127.0.0.1[127.0.0.1] said: 421 4.3.2 closing (in reply to RCPT TO command)");
        server.Messages.ShouldBeEmpty();
    }

    [Fact]
    public async Task Garbage_in_a_pipelined_conversation_ends_it()
    {
        await using var server = new ScriptedServer { Reply = line => line.StartsWith("RCPT", StringComparison.Ordinal) ? "hello?" : null };
        using var scenario = new SmtpScenario();
        var status = await scenario.DeliverAsync(server.Nexthop);
        status.Dsn.ShouldBe("4.5.0");
        status.Text.ShouldBe("remote protocol error in reply from 127.0.0.1[127.0.0.1] while sending RCPT TO");
        scenario.Log.ShouldContain("smtp: warning: non-SMTP response from 127.0.0.1[127.0.0.1]: hello?");
    }

    [Fact]
    public async Task A_store_that_fails_in_the_middle_does_not_make_half_a_message()
    {
        await using var server = new ScriptedServer();
        using var scenario = new SmtpScenario();
        var content = new PiecesContent(1_000_000, i => i < 5 ? Encoding.ASCII.GetBytes(new string('x', 99_999) + "\n") : throw new StorageException(StorageFailure.Retry, "gone"));
        var status = await scenario.DeliverAsync(server.Nexthop, content, EnvelopeFlags.None);
        status.Action.ShouldBe(DeliveryAction.Deferred);
        status.Dsn.ShouldBe("4.3.0");
        status.Text.ShouldBe("local data error while talking to 127.0.0.1[127.0.0.1]");
        server.Messages.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_server_that_refuses_in_the_middle_of_a_large_message_is_heard()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var server = ServeAsync(listener);
        using var scenario = new SmtpScenario("smtp_data_xfer_timeout = 20s");
        var line = Encoding.ASCII.GetBytes(new string('x', 99) + "\n");
        var content = new PiecesContent(100L << 20, i => i < 1 << 20 ? line : null);
        var status = await scenario.DeliverAsync($"[127.0.0.1]:{((IPEndPoint)listener.LocalEndpoint).Port}", content, EnvelopeFlags.None);
        status.Action.ShouldBe(DeliveryAction.Bounced);
        status.Text.ShouldBe("host 127.0.0.1[127.0.0.1] said: 552 5.3.4 too big (in reply to end of DATA command)");
        await server;

        static async Task ServeAsync(TcpListener listener)
        {
            using var client = await listener.AcceptTcpClientAsync();
            await using var stream = client.GetStream();
            using var reader = new StreamReader(stream, Encoding.Latin1);
            async Task Say(string text) => await stream.WriteAsync(Encoding.ASCII.GetBytes(text + "\r\n"));
            await Say("220 x");
            await reader.ReadLineAsync();
            await Say("250 x");
            for (var i = 0; i < 2; i++)
            {
                await reader.ReadLineAsync();
                await Say("250 ok");
            }

            await reader.ReadLineAsync();
            await Say("354 go");
            for (var i = 0; i < 1000; i++)
            {
                await reader.ReadLineAsync();
            }

            await Say("552 5.3.4 too big");
            while (await reader.ReadLineAsync() is not null)
            {
                // Takes what is still on its way, as a server must that wants its reply to be read.
            }
        }
    }

    [Fact]
    public async Task A_delivery_that_is_called_off_closes_its_connection_and_reports_nothing()
    {
        using var stop = new CancellationTokenSource();
        await using var server = new ScriptedServer
        {
            Reply = line =>
            {
                if (line.StartsWith("RCPT", StringComparison.Ordinal))
                {
                    stop.Cancel();
                    return "";
                }

                return null;
            },
        };
        using var scenario = new SmtpScenario();
        var request = scenario.Request(server.Nexthop, new BytesContent("x\n"u8.ToArray()), EnvelopeFlags.None, To("a@x.test"));
        await Should.ThrowAsync<OperationCanceledException>(async () => await scenario.Agent.DeliverAsync(request, stop.Token));
        scenario.Statuses.ShouldBeEmpty();
        server.Messages.ShouldBeEmpty();
        server.Commands.ShouldNotContain("QUIT");
    }

    [Fact]
    public async Task Nonsense_as_next_hop_defers()
    {
        using var scenario = new SmtpScenario();
        var status = await scenario.DeliverAsync("[127.0.0.1");
        status.Action.ShouldBe(DeliveryAction.Deferred);
        status.Dsn.ShouldBe("4.3.5");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
