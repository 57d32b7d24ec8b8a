using Mta.Core.Delivery;
using Shouldly;
using Xunit;
using static Mta.Services.Tests.Smtp.SmtpScenario;

namespace Mta.Services.Tests.Smtp;

public sealed class SmtpConnectionReuseTests
{
    [Fact]
    public async Task A_connection_carries_one_message_after_another()
    {
        await using var server = new ScriptedServer();
        using var scenario = new SmtpScenario();
        for (var use = 1; use <= 5; use++)
        {
            (await scenario.DeliverAsync(server.Nexthop)).ConnectionUse.ShouldBe(use);
        }

        server.Connections.ShouldBe(1);
        server.Messages.Count.ShouldBe(5);
        server.Commands.ShouldNotContain("RSET");
    }

    [Fact]
    public async Task Deliveries_at_the_same_time_have_connections_of_their_own()
    {
        await using var server = new ScriptedServer();
        using var scenario = new SmtpScenario();
        var requests = Enumerable.Range(0, 10).Select(i => scenario.Request(server.Nexthop, new BytesContent("x\n"u8.ToArray()), default, To($"r{i}@x.test")));
        await Task.WhenAll(requests.Select(r => scenario.Agent.DeliverAsync(r, TestContext.Current.CancellationToken).AsTask()));
        scenario.Statuses.Values.ShouldAllBe(s => s.Action == DeliveryAction.Sent);
        scenario.Statuses.Count.ShouldBe(10);
    }

    [Fact]
    public async Task Limits_of_reuse_are_kept()
    {
        await using var server = new ScriptedServer();
        using (var scenario = new SmtpScenario("smtp_connection_reuse_count_limit = 2"))
        {
            for (var i = 0; i < 4; i++)
            {
                await scenario.DeliverAsync(server.Nexthop);
            }

            server.Connections.ShouldBe(2);
        }

        using (var scenario = new SmtpScenario("smtp_connection_cache_on_demand = no"))
        {
            await scenario.DeliverAsync(server.Nexthop);
            await scenario.DeliverAsync(server.Nexthop);
            server.Connections.ShouldBe(4);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("421 4.4.2 idle too long")]
    public async Task A_kept_connection_that_died_is_replaced_and_nothing_is_said(string lastWords)
    {
        await using var server = new ScriptedServer { LastWords = lastWords };
        using var scenario = new SmtpScenario();
        for (var i = 0; i < 20; i++)
        {
            var status = await scenario.DeliverAsync(server.Nexthop);
            status.Action.ShouldBe(DeliveryAction.Sent);
            status.ConnectionUse.ShouldBe(1);
        }

        server.Messages.Count.ShouldBe(20);
        scenario.Log.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("MAIL", "drop")]
    [InlineData("RCPT", "drop")]
    [InlineData("MAIL", "421 4.4.2 idle too long")]
    public async Task A_kept_connection_that_dies_at_its_next_use_is_replaced(string verb, string reply)
    {
        var used = 0;
        await using var server = new ScriptedServer { Reply = line => line.StartsWith(verb, StringComparison.Ordinal) && ++used == 2 ? reply : null };
        using var scenario = new SmtpScenario();
        await scenario.DeliverAsync(server.Nexthop);
        var status = await scenario.DeliverAsync(server.Nexthop, recipients: [To("a@x.test"), To("b@x.test")]);
        status.Action.ShouldBe(DeliveryAction.Sent);
        status.ConnectionUse.ShouldBe(1);
        scenario.Statuses.Count.ShouldBe(2);
        server.Messages.Count.ShouldBe(2);
        server.Connections.ShouldBe(2);
    }

    [Fact]
    public async Task An_idle_connection_is_closed_in_order_after_its_time()
    {
        await using var server = new ScriptedServer();
        var quit = new TaskCompletionSource();
        server.Reply = line =>
        {
            if (line == "QUIT")
            {
                quit.SetResult();
            }

            return null;
        };
        using var scenario = new SmtpScenario("smtp_connection_cache_time_limit = 1s");
        await scenario.DeliverAsync(server.Nexthop);
        await quit.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_temporary_refusal_over_a_kept_connection_is_final_when_there_is_no_other_host()
    {
        var refuse = false;
        await using var server = new ScriptedServer { Reply = line => refuse && line.StartsWith("RCPT", StringComparison.Ordinal) ? "450 4.2.0 grey" : null };
        using var scenario = new SmtpScenario();
        await scenario.DeliverAsync(server.Nexthop);
        refuse = true;
        var status = await scenario.DeliverAsync(server.Nexthop);
        status.Text.ShouldBe("host 127.0.0.1[127.0.0.1] said: 450 4.2.0 grey (in reply to RCPT TO command)");
        server.Connections.ShouldBe(1);
    }
}
