using Mta.Core.Delivery;
using Mta.Core.Queue;
using Shouldly;
using Xunit;
using static Mta.Services.Tests.Smtp.SmtpScenario;

namespace Mta.Services.Tests.Smtp;

/// <summary>Runs when nothing else does.</summary>
[CollectionDefinition(SmtpSinkTests.Memory, DisableParallelization = true)]
public sealed class MemoryTests;

/// <summary>Against a server that is not ours.</summary>
[Collection(SmtpSinkTests.Memory)]
public sealed class SmtpSinkTests
{
    /// <summary>One of these tests counts what the whole process allocates: no test runs beside it.</summary>
    internal const string Memory = "memory";

    [Theory]
    [InlineData("")]
    [InlineData("-8")]
    [InlineData("-p")]
    [InlineData("-e")]
    [InlineData("-E")]
    [InlineData("-N")]
    [InlineData("-P")]
    public async Task It_takes_mail_whatever_it_announces(string options)
    {
        await using var sink = await SmtpSink.StartAsync(options.Length == 0 ? [] : [options]);
        using var scenario = new SmtpScenario();
        for (var i = 1; i <= 3; i++)
        {
            await scenario.DeliverAsync(sink.Nexthop, "Subject: x\n\nä\n", EnvelopeFlags.EightBit, [To("a@x.test"), To("b@x.test")]);
            scenario.Statuses.Values.ShouldAllBe(s => s.Action == DeliveryAction.Sent && s.Dsn == "2.0.0" && s.ConnectionUse == i);
        }
    }

    [Theory]
    [InlineData("-r", "MAIL", DeliveryAction.Deferred, "said: 450 4.3.0 Error: command failed (in reply to MAIL FROM command)")]
    [InlineData("-f", "MAIL", DeliveryAction.Bounced, "said: 500 5.3.0 Error: command failed (in reply to MAIL FROM command)")]
    [InlineData("-r", "RCPT", DeliveryAction.Deferred, "said: 450 4.3.0 Error: command failed (in reply to RCPT TO command)")]
    [InlineData("-f", "RCPT", DeliveryAction.Bounced, "said: 500 5.3.0 Error: command failed (in reply to RCPT TO command)")]
    [InlineData("-f", "DATA", DeliveryAction.Bounced, "said: 500 5.3.0 Error: command failed (in reply to DATA command)")]
    [InlineData("-r", ".", DeliveryAction.Deferred, "said: 450 4.3.0 Error: command failed (in reply to end of DATA command)")]
    [InlineData("-f", ".", DeliveryAction.Bounced, "said: 500 5.3.0 Error: command failed (in reply to end of DATA command)")]
    [InlineData("-f", "CONNECT", DeliveryAction.Deferred, "refused to talk to me: 500 5.3.0 Error: command failed")]
    [InlineData("-q", "CONNECT", DeliveryAction.Deferred, "while receiving the initial server greeting")]
    [InlineData("-q", "EHLO", DeliveryAction.Deferred, "while performing the EHLO handshake")]
    [InlineData("-q", "MAIL", DeliveryAction.Deferred, "while sending MAIL FROM")]
    [InlineData("-q", "RCPT", DeliveryAction.Deferred, "while sending RCPT TO")]
    [InlineData("-q", "DATA", DeliveryAction.Deferred, "while sending DATA command")]
    [InlineData("-q", ".", DeliveryAction.Deferred, "while sending end of data -- message may be sent more than once")]
    [InlineData("-Q", "MAIL", DeliveryAction.Deferred, "said: 421 4.0.0 Server closing connection (in reply to MAIL FROM command)")]
    [InlineData("-Q", "RCPT", DeliveryAction.Deferred, "said: 421 4.0.0 Server closing connection (in reply to RCPT TO command)")]
    [InlineData("-Q", ".", DeliveryAction.Deferred, "said: 421 4.0.0 Server closing connection (in reply to end of DATA command)")]
    public async Task It_misbehaves(string option, string command, DeliveryAction action, string text)
    {
        await using var sink = await SmtpSink.StartAsync(option, command);
        using var scenario = new SmtpScenario();
        for (var i = 0; i < 2; i++)
        {
            var status = await scenario.DeliverAsync(sink.Nexthop);
            status.Action.ShouldBe(action);
            status.Text.ShouldEndWith(text);
        }
    }

    [Fact]
    public async Task A_large_message_is_streamed()
    {
        const int blocks = 800;
        var block = Enumerable.Repeat("0123456789012345678901234567890123456789012345678901234567890123\n"u8.ToArray(), 1000).SelectMany(b => b).ToArray();
        await using var sink = await SmtpSink.StartAsync();
        using var scenario = new SmtpScenario();
        var before = GC.GetTotalAllocatedBytes();
        var content = new PiecesContent((long)blocks * block.Length, i => i < blocks ? block : null);
        (await scenario.DeliverAsync(sink.Nexthop, content, EnvelopeFlags.None)).Action.ShouldBe(DeliveryAction.Sent);
        (GC.GetTotalAllocatedBytes() - before).ShouldBeLessThan(content.Length / 2);
    }

    [Fact]
    public async Task LMTP_over_it()
    {
        await using var sink = await SmtpSink.StartAsync("-L");
        using var scenario = new SmtpScenario(lmtp: true);
        await scenario.DeliverAsync(sink.Nexthop, recipients: [To("a@x.test"), To("b@x.test"), To("c@x.test")]);
        scenario.Statuses.Values.ShouldAllBe(s => s.Action == DeliveryAction.Sent);
    }
}
