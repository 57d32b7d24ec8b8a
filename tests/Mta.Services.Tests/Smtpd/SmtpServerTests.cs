using System.Net;
using System.Net.Sockets;
using Mta.Services.Smtpd;
using Mta.Services.Tests.Mailbox;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Smtpd;

/// <summary>The server over real sockets: configuration changes, limits, its end.</summary>
public sealed class SmtpServerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Mail_comes_in_over_a_socket_from_a_client_known_by_name()
    {
        using var fixture = new SmtpdFixture();
        await using var server = Start(fixture, out var port);
        using var client = await LineClient.ConnectAsync(port, Token);
        (await client.ReplyAsync(Token)).ShouldBe("220 mx.example.test ESMTP Postfix");
        (await client.SayAsync("EHLO client.test", Token)).ShouldStartWith("250-mx.example.test\n250-PIPELINING\n");
        await client.SendAsync("MAIL FROM:<bob@sender.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n", Token);
        (await client.ReplyAsync(Token)).ShouldBe("250 2.1.0 Ok");
        (await client.ReplyAsync(Token)).ShouldBe("250 2.1.5 Ok");
        (await client.ReplyAsync(Token)).ShouldStartWith("354 ");
        (await client.SayAsync("Subject: hello\r\n\r\nbody\r\n.", Token)).ShouldBe("250 2.0.0 Ok: queued as 4QUEUEID1");
        (await client.SayAsync("QUIT", Token)).ShouldBe("221 2.0.0 Bye");
        (await client.ReplyAsync(Token)).ShouldBe("");
        fixture.Cleanup.Queued.ShouldHaveSingleItem().Content.ShouldBe("Subject: hello\n\nbody\n");
        fixture.Log[0].ShouldBe("connect from localhost[127.0.0.1]");
        fixture.Log[1].ShouldBe("4QUEUEID1: client=localhost[127.0.0.1]");
    }

    [Fact]
    public async Task Sessions_end_under_the_configuration_they_began_with()
    {
        using var fixture = new SmtpdFixture();
        await using var server = Start(fixture, out var port);
        using var old = await LineClient.ConnectAsync(port, Token);
        await old.ReplyAsync(Token);

        using var changed = new SmtpdFixture("smtpd_banner = new.example.test ESMTP\nmyhostname = new.example.test");
        server.Reload(changed.Snapshot());
        using var young = await LineClient.ConnectAsync(port, Token);
        (await young.ReplyAsync(Token)).ShouldBe("220 new.example.test ESMTP");
        (await old.SayAsync("HELO client.test", Token)).ShouldBe("250 mx.example.test");
        (await young.SayAsync("HELO client.test", Token)).ShouldBe("250 new.example.test");
    }

    [Fact]
    public async Task A_configuration_that_cannot_be_used_is_refused_and_the_old_one_stays()
    {
        using var fixture = new SmtpdFixture();
        await using var server = Start(fixture, out var port);
        using var broken = new SmtpdFixture("smtpd_recipient_restrictions = check_policy_service unix:private/policy");
        Should.Throw<SmtpdConfigException>(() => server.Reload(broken.Snapshot())).Message.ShouldBe(
            "smtpd_recipient_restrictions: restriction \"check_policy_service\" is not implemented in this version");
        using var open = new SmtpdFixture("smtpd_relay_restrictions = permit_mynetworks, warn_if_reject reject_unauth_destination");
        Should.Throw<SmtpdConfigException>(() => server.Reload(open.Snapshot()))
            .Message.ShouldContain("specify at least one working instance of");
        using var client = await LineClient.ConnectAsync(port, Token);
        (await client.ReplyAsync(Token)).ShouldBe("220 mx.example.test ESMTP Postfix");
    }

    [Fact]
    public async Task Too_many_connections_of_a_stranger_are_refused()
    {
        using var fixture = new SmtpdFixture("smtpd_client_connection_count_limit = 1\nmynetworks = 192.0.2.0/24");
        await using var server = Start(fixture, out var port);
        using var first = await LineClient.ConnectAsync(port, Token);
        await first.ReplyAsync(Token);
        using (var second = await LineClient.ConnectAsync(port, Token))
        {
            (await second.ReplyAsync(Token)).ShouldBe("421 4.7.0 mx.example.test Error: too many connections from localhost[127.0.0.1]");
            (await second.ReplyAsync(Token)).ShouldBe("");
        }

        fixture.Log.ShouldContain("warning: Connection concurrency limit exceeded: 2 from localhost[127.0.0.1] for service smtp");
        (await first.SayAsync("NOOP", Token)).ShouldBe("250 2.0.0 Ok");
    }

    [Fact]
    public async Task Above_the_limit_of_sessions_clients_wait_for_one_to_end()
    {
        using var fixture = new SmtpdFixture();
        await using var server = Start(fixture, out var port, maximumSessions: 1);
        using var first = await LineClient.ConnectAsync(port, Token);
        await first.ReplyAsync(Token);
        using var second = await LineClient.ConnectAsync(port, Token);
        var greeting = second.ReplyAsync(Token);
        (await first.SayAsync("NOOP", Token)).ShouldBe("250 2.0.0 Ok");
        greeting.IsCompleted.ShouldBeFalse();
        await first.SayAsync("QUIT", Token);
        (await greeting).ShouldStartWith("220 ");
    }

    [Fact]
    public async Task A_client_that_speaks_before_the_greeting_is_sent_away()
    {
        using var fixture = new SmtpdFixture();
        await using var server = Start(fixture, out var port, maximumSessions: 1);
        using var first = await LineClient.ConnectAsync(port, Token);
        await first.ReplyAsync(Token);

        // The second client waits in the listen queue, and what it sends with it: when it is accepted it has spoken already.
        using var second = await LineClient.ConnectAsync(port, Token);
        await second.SendAsync("EHLO early.test\r\n", Token);
        await first.SayAsync("QUIT", Token);
        (await second.ReplyAsync(Token)).ShouldBe("554 5.5.0 Error: SMTP protocol synchronization");
        (await second.ReplyAsync(Token)).ShouldBe("");
        fixture.Log.ShouldContain("improper command pipelining after CONNECT from localhost[127.0.0.1]: EHLO early.test\\r\\n");
    }

    [Fact]
    public async Task A_client_that_says_nothing_is_told_that_it_was_too_slow()
    {
        using var fixture = new SmtpdFixture("smtpd_timeout = 1");
        await using var server = Start(fixture, out var port);
        using var client = await LineClient.ConnectAsync(port, Token);
        await client.ReplyAsync(Token);
        (await client.SayAsync("HELO client.test", Token)).ShouldStartWith("250 ");
        (await client.ReplyAsync(Token)).ShouldBe("421 4.4.2 mx.example.test Error: timeout exceeded");
        (await client.ReplyAsync(Token)).ShouldBe("");
        fixture.Log.ShouldContain("NOQUEUE: timeout after HELO from localhost[127.0.0.1]");
    }

    [Fact]
    public async Task Stopping_ends_idle_sessions_with_421()
    {
        using var fixture = new SmtpdFixture();
        await using var server = Start(fixture, out var port);
        using var client = await LineClient.ConnectAsync(port, Token);
        await client.ReplyAsync(Token);
        await server.StopAsync();
        (await client.ReplyAsync(Token)).ShouldStartWith("421 4.3.2 mx.example.test ");
        server.SessionCount.ShouldBe(0);
    }

    [Fact]
    public async Task Standard_input_is_served_without_a_listener()
    {
        using var fixture = new SmtpdFixture();
        await using var server = new SmtpServer(fixture.Environment, new SmtpServerOptions(), fixture.Snapshot());
        var said = "HELO me\r\nMAIL FROM:<alice>\r\nRCPT TO:<x@elsewhere.test>\r\nDATA\r\nhello\r\n.\r\nQUIT\r\n"u8.ToArray();
        using var input = new MemoryStream(said);
        using var output = new MemoryStream();
        await server.ServeAsync(input, output, Token);
        System.Text.Encoding.ASCII.GetString(output.ToArray()).ShouldEndWith("250 2.0.0 Ok: queued as 4QUEUEID1\r\n221 2.0.0 Bye\r\n");
        fixture.Cleanup.Queued.ShouldHaveSingleItem().Request.LocalContext.ShouldBeTrue();
    }

    [Fact]
    public async Task Many_errors_slow_the_client_down()
    {
        var time = new ManualTime();
        using var fixture = new SmtpdFixture("smtpd_soft_error_limit = 2\nsmtpd_error_sleep_time = 1s", time);
        var session = fixture.RunAsync(["FOO\r\n"u8.ToArray(), "FOO\r\n"u8.ToArray(), "QUIT\r\n"u8.ToArray()], cancellationToken: Token);
        session.IsCompleted.ShouldBeFalse();
        time.Advance(TimeSpan.FromSeconds(1));
        time.Advance(TimeSpan.FromSeconds(1));
        (await session).Sent.ShouldBe(
            [
                "220 mx.example.test ESMTP Postfix\r\n",
                "500 5.5.2 Error: command not recognized\r\n",
                "500 5.5.2 Error: command not recognized\r\n",
                "221 2.0.0 Bye\r\n",
            ]);
    }

    internal static SmtpServer Start(SmtpdFixture fixture, out int port, int maximumSessions = 100)
    {
        var server = new SmtpServer(fixture.Environment, new SmtpServerOptions { MaximumSessions = maximumSessions }, fixture.Snapshot());
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(100);
        port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        server.Start([listener]);
        return server;
    }
}
