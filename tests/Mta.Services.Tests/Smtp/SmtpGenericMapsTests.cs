using Mta.Core.Delivery;
using Mta.Core.Queue;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Smtp;

public sealed class SmtpGenericMapsTests
{
    private const string Content = "From:  sender@y.test (me)\nTo: b@x.test\nX-To: a@x.test\n\nTo: a@x.test\n";

    [Fact]
    public async Task Envelope_and_header_have_the_addresses_of_the_map_and_the_report_the_original_ones()
    {
        await using var server = new ScriptedServer();
        using var scenario = new SmtpScenario("smtp_generic_maps = inline:{ {sender@y.test=s@world.test} {a@x.test=r@world.test} }");
        var status = await scenario.DeliverAsync(server.Nexthop, Content, EnvelopeFlags.None, SmtpScenario.To("a@x.test"), SmtpScenario.To("b@x.test"));
        status.Action.ShouldBe(DeliveryAction.Sent);
        scenario.Statuses.Keys.Order().ShouldBe(["a@x.test", "b@x.test"]);
        server.Commands.ShouldContain(c => c.StartsWith("MAIL FROM:<s@world.test>", StringComparison.Ordinal));
        server.Commands.ShouldContain(c => c.StartsWith("RCPT TO:<r@world.test>", StringComparison.Ordinal));
        server.Commands.ShouldContain(c => c.StartsWith("RCPT TO:<b@x.test>", StringComparison.Ordinal));
        server.Messages.ShouldHaveSingleItem().ShouldBe("From: s@world.test (me)\r\nTo: b@x.test\r\nX-To: a@x.test\r\n\r\nTo: a@x.test\r\n");
    }

    [Fact]
    public async Task Lmtp_has_a_map_of_its_own()
    {
        await using var server = new ScriptedServer { IsLmtp = true };
        using var scenario = new SmtpScenario(
            "lmtp_generic_maps = inline:{ {a@x.test=l@world.test} }\nsmtp_generic_maps = inline:{ {a@x.test=never@world.test} }", lmtp: true);
        await scenario.DeliverAsync($"inet:127.0.0.1:{server.Port}", Content, EnvelopeFlags.None);
        server.Commands.ShouldContain(c => c.StartsWith("RCPT TO:<l@world.test>", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("sender@y.test")]
    [InlineData("a@x.test")]
    [InlineData("b@x.test")]
    public async Task A_table_that_cannot_answer_defers(string failing)
    {
        await using var server = new ScriptedServer();
        var known = string.Join(' ', ((string[])["sender@y.test", "a@x.test", "b@x.test"]).Where(a => a != failing).Select(a => $"{{{a}={a}}}"));
        using var scenario = new SmtpScenario($"smtp_generic_maps = inline:{{ {known} }} fail:broken");
        var status = await scenario.DeliverAsync(server.Nexthop, Content, EnvelopeFlags.None);
        (status.Action, status.Dsn).ShouldBe((DeliveryAction.Deferred, "4.3.0"));
        status.Text.ShouldBe(failing == "b@x.test" ? "local data error while talking to 127.0.0.1[127.0.0.1]" : "unknown mail transport error");
        scenario.Log.ShouldContain($"smtp: warning: smtp_generic_maps map lookup problem for {failing}");
        server.Messages.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    public async Task Content_in_pieces_is_the_same_but_for_mapped_addresses(int size)
    {
        var body = string.Concat(Enumerable.Range(1, 200).Select(i => $"line {i} \u00e4\r of a@x.test\n"));
        var content = System.Text.Encoding.Latin1.GetBytes("Received: from x\n\tby a@x.test\nTo:a@x.test\n\n" + body);
        await using var server = new ScriptedServer();
        using var scenario = new SmtpScenario("smtp_generic_maps = inline:{ {a@x.test=r@world.test} }");
        await scenario.DeliverAsync(
            server.Nexthop,
            new PiecesContent(content.Length, i => i * size < content.Length ? content[(i * size)..Math.Min(content.Length, (i + 1) * size)] : null),
            EnvelopeFlags.None);
        server.Messages.ShouldBe([("Received: from x\n\tby a@x.test\nTo: r@world.test\n\n" + body).Replace("\n", "\r\n", StringComparison.Ordinal)]);
    }
}
