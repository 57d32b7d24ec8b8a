using System.Text;
using MimeKit;
using Mta.Core.Config;
using Mta.Core.Delivery;
using Mta.Core.Queue;
using Mta.Services.Bounce;
using Mta.Services.Clients;
using Mta.Services.Tests.Qmgr;
using Mta.Storage.Queue;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Bounce;

public sealed class BounceServiceTests
{
    private static readonly DeliveryStatus Unknown = new()
    {
        Action = DeliveryAction.Bounced,
        Dsn = "5.1.1",
        Text = "host mx.example.org[192.0.2.1] said: 550 5.1.1 No such user (in reply to RCPT TO command)",
        RemoteMta = "mx.example.org",
        RemoteReply = "550 5.1.1 No such user",
    };

    private readonly LineLog lines = new();

    [Fact]
    public async Task A_non_delivery_report_says_who_why_and_what()
    {
        var report = await BuildAsync(NotificationKind.NonDelivery, "Subject: hello\n\nthe body\n", Failed("user@example.org", orcpt: "rfc822;or+2Big@example.org"));
        report!.Envelope.Sender.ShouldBe("");
        report.Recipients.ShouldHaveSingleItem().Address.ShouldBe("sender@example.com");
        report.Envelope.Size.ShouldBe(report.Content.Length);
        var message = Parse(report);
        message.Subject.ShouldBe("Undelivered Mail Returned to Sender");
        message.From.ToString().ShouldContain("MAILER-DAEMON@relay.example.com");
        message.To.ToString().ShouldBe("sender@example.com");
        message.Headers["Auto-Submitted"].ShouldBe("auto-replied");
        message.MessageId!.ShouldEndWith("@relay.example.com");
        message.Date.ShouldNotBe(default);

        var parts = message.Body.ShouldBeOfType<MultipartReport>();
        parts.ReportType.ShouldBe("delivery-status");
        parts.Count.ShouldBe(3);
        var text = ((TextPart)parts[0]).Text.ReplaceLineEndings("\n");
        text.Split('\n').ShouldAllBe(line => line.Length <= 79);
        text.Replace("\n    ", " ").ShouldContain("<user@example.org>: host mx.example.org[192.0.2.1] said: 550 5.1.1 No such user (in reply to RCPT TO command)");
        var groups = ((MessageDeliveryStatus)parts[1]).StatusGroups;
        groups[0]["Reporting-MTA"].ShouldBe("dns; relay.example.com");
        groups[0]["X-Postfix-Sender"].ShouldBe("rfc822; sender@example.com");
        groups[0]["X-Postfix-Queue-ID"]!.Length.ShouldBe(15);
        groups[1]["Final-Recipient"].ShouldBe("rfc822; user@example.org");
        groups[1]["Original-Recipient"].ShouldBe("rfc822;or+ig@example.org");
        groups[1]["Action"].ShouldBe("failed");
        groups[1]["Status"].ShouldBe("5.1.1");
        groups[1]["Remote-MTA"].ShouldBe("dns; mx.example.org");
        groups[1]["Diagnostic-Code"].ShouldBe("smtp; 550 5.1.1 No such user");
        Text(parts[2]).ShouldBe("Return-Path: <sender@example.com>\nSubject: hello\n\nthe body\n");
        parts[2].ContentType.MimeType.ShouldBe("message/rfc822");
    }

    [Fact]
    public async Task A_large_message_and_one_with_RET_HDRS_come_back_as_headers()
    {
        var large = "Subject: large\nX-Y: z\n\n" + new string('x', 60_000) + "\n";
        foreach (var report in new[]
        {
            await BuildAsync(NotificationKind.NonDelivery, large, Failed("a@b")),
            await BuildAsync(NotificationKind.NonDelivery, "Subject: large\nX-Y: z\n\nbody\n", DsnReturn.Headers, Failed("a@b")),
        })
        {
            var part = ((Multipart)Parse(report!).Body!)[2];
            part.ContentType.MimeType.ShouldBe("text/rfc822-headers");
            Text(part).TrimEnd().ShouldBe("Return-Path: <sender@example.com>\nSubject: large\nX-Y: z");
        }
    }

    [Fact]
    public async Task Nobody_is_told_who_did_not_ask()
    {
        (await BuildAsync(NotificationKind.NonDelivery, "\n", Failed("a@b", DsnNotify.Never))).ShouldBeNull();
        (await BuildAsync(NotificationKind.NonDelivery, "\n", Failed("a@b", DsnNotify.Delay))).ShouldBeNull();
        (await BuildAsync(NotificationKind.Delay, "\n", Failed("a@b", DsnNotify.Failure))).ShouldBeNull();
        (await BuildAsync(NotificationKind.NonDelivery, "\n", Failed("a@b", DsnNotify.Failure))).ShouldNotBeNull();
        (await BuildAsync(NotificationKind.NonDelivery, "\n", DsnReturn.Unspecified, "", Failed("a@b"))).ShouldBeNull();
        (await BuildAsync(NotificationKind.NonDelivery, "\n", DsnReturn.Unspecified, "double-bounce@relay.example.com", Failed("a@b"))).ShouldBeNull();
        lines.All.ShouldContain(l => l.Contains("undeliverable postmaster notification discarded"));
    }

    [Fact]
    public async Task A_delay_warning_says_until_when_it_is_tried()
    {
        var message = Parse((await BuildAsync(NotificationKind.Delay, "Subject: x\n\nbody\n", Failed("a@b")))!);
        message.Subject.ShouldBe("Delayed Mail (still being retried)");
        var parts = (Multipart)message.Body!;
        var group = ((MessageDeliveryStatus)parts[1]).StatusGroups[1];
        group["Action"].ShouldBe("delayed");
        group["Will-Retry-Until"].ShouldNotBeEmpty();
        parts[2].ContentType.MimeType.ShouldBe("text/rfc822-headers");
    }

    [Fact]
    public async Task A_success_report_tells_delivered_from_relayed()
    {
        var sent = new DeliveryStatus { Action = DeliveryAction.Sent, Dsn = "2.0.0", Text = "250 ok" };
        var relayed = new DeliveryStatus { Action = DeliveryAction.Relayed, Dsn = "2.0.0", Text = "250 ok" };
        var message = Parse((await BuildAsync(
            NotificationKind.Success,
            "Subject: x\n\nbody\n",
            new RecipientOutcome(new Recipient { Number = 0, Address = "a@b", Notify = DsnNotify.Success }, sent),
            new RecipientOutcome(new Recipient { Number = 1, Address = "c@d", Notify = DsnNotify.Success }, relayed)))!);
        var groups = ((MessageDeliveryStatus)((Multipart)message.Body!)[1]).StatusGroups;
        groups[1]["Action"].ShouldBe("delivered");
        groups[2]["Action"].ShouldBe("relayed");
    }

    [Fact]
    public async Task A_message_with_addresses_in_UTF8_gets_a_global_report()
    {
        var report = await BuildAsync(NotificationKind.NonDelivery, "Subject: grüße\n\nkörper\n", DsnReturn.Unspecified, "absender@münchen.example", EnvelopeFlags.SmtpUtf8, Failed("empfänger@münchen.example"));
        (report!.Envelope.Flags & EnvelopeFlags.SmtpUtf8).ShouldNotBe(EnvelopeFlags.None);
        var parts = (Multipart)Parse(report).Body!;
        parts[1].ContentType.MimeType.ShouldBe("message/global-delivery-status");
        Text(parts[1]).ShouldContain("Final-Recipient: utf-8; empfänger@münchen.example");
        parts[2].ContentType.MimeType.ShouldBe("message/global");
        Text(parts[2]).ShouldEndWith("körper\n");
    }

    private Task<NewMessage?> BuildAsync(NotificationKind kind, string content, params RecipientOutcome[] outcomes) =>
        BuildAsync(kind, content, DsnReturn.Unspecified, outcomes);

    private Task<NewMessage?> BuildAsync(NotificationKind kind, string content, DsnReturn ret, params RecipientOutcome[] outcomes) =>
        BuildAsync(kind, content, ret, "sender@example.com", outcomes);

    private Task<NewMessage?> BuildAsync(NotificationKind kind, string content, DsnReturn ret, string sender, params RecipientOutcome[] outcomes) =>
        BuildAsync(kind, content, ret, sender, EnvelopeFlags.None, outcomes);

    private async Task<NewMessage?> BuildAsync(
        NotificationKind kind, string content, DsnReturn ret, string sender, EnvelopeFlags flags, params RecipientOutcome[] outcomes)
    {
        var bytes = Encoding.UTF8.GetBytes(content);
        var envelope = new Envelope
        {
            Id = QueueId.Create(1_760_000_000_000_000, 17), Sender = sender, Size = bytes.Length, Return = ret, Flags = flags, RecipientCount = outcomes.Length,
        };
        var service = new BounceService(new Settings([new("myhostname", "relay.example.com")]), new MailLog(lines), TimeProvider.System);
        return (await service.BuildAsync(kind, envelope, new Bytes(bytes), outcomes, () => QueueId.Create(1_760_000_100_000_000, 17), default)).Message;
    }

    private static RecipientOutcome Failed(string address, DsnNotify notify = DsnNotify.Default, string? orcpt = null) =>
        new(new Recipient { Number = 0, Address = address, Notify = notify, OriginalRecipient = orcpt }, Unknown);

    private static MimeMessage Parse(NewMessage report) => MimeMessage.Load(new MemoryStream(report.Content.ToArray()));

    private static string Text(MimeEntity part)
    {
        using var stream = new MemoryStream();
        switch (part)
        {
            case MessagePart message:
                message.Message!.WriteTo(FormatOptions.Default, stream);
                break;
            case MimePart leaf:
                leaf.Content!.DecodeTo(stream);
                break;
        }

        return Encoding.UTF8.GetString(stream.ToArray()).ReplaceLineEndings("\n");
    }

    private sealed class Bytes(byte[] bytes) : IMessageContent
    {
        public long Length => bytes.Length;

        public bool TryGetBytes(out ReadOnlyMemory<byte> content)
        {
            content = bytes;
            return true;
        }

        public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.Yield();
            yield return bytes;
        }
    }
}
