using System.Text;
using Mta.Core.Delivery;
using Mta.Core.Queue;
using Mta.Services.Bounce;
using Mta.Services.Clients;
using Mta.Services.Tests.Cleanup;
using Mta.Services.Tests.TrivialRewrite;
using Mta.Storage.Queue;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Bounce;

/// <summary>A report byte for byte: names and order of headers, parts and fields are those of a Postfix 3.7 report.</summary>
public sealed class ReportLayoutTests
{
    private static readonly QueueId MessageId = QueueId.Create(1_760_000_000_000_000, 17);
    private static readonly DeliveryStatus Refused = new() { Action = DeliveryAction.Bounced, Dsn = "5.7.1", Text = "no mail here" };
    private static readonly QueueId ReportId = QueueId.Create(1_760_000_100_000_000, 17);

    [Fact]
    public async Task A_report_as_a_whole()
    {
        var status = new DeliveryStatus { Action = DeliveryAction.Bounced, Dsn = "5.7.1", Text = "no mail here" };
        var report = await BuildAsync(
            new Recipient { Number = 0, Address = "r1@n.example", Original = "orig@x.y" }, status, new StoredContent("From: a@b.c\nSubject: hi\n\nbody line\n"));
        Encoding.UTF8.GetString(report.Content.Span).ShouldBe(
            $"""
            Received: by mx.example.org (Postfix)
            	id {ReportId}; Thu,  9 Oct 2025 09:00:00 +0000 (UTC)
            Date: Thu,  9 Oct 2025 09:00:00 +0000 (UTC)
            From: Mail Delivery System <MAILER-DAEMON@mx.example.org>
            Subject: Undelivered Mail Returned to Sender
            To: s@far.example
            Auto-Submitted: auto-replied
            MIME-Version: 1.0
            Content-Type: multipart/report; report-type=delivery-status;
            	boundary="{MessageId}.1760000400/mx.example.org"
            Message-Id: <{ReportId}@mx.example.org>

            This is a MIME-encapsulated message.
            --{MessageId}.1760000400/mx.example.org
            Content-Description: Notification
            Content-Type: text/plain; charset=us-ascii

            The mail system at mx.example.org writes to you.

            Your message did not reach the recipients below, and no further attempt will
            be made. What the report and the returned message say will help the postmaster,
            should you need help.

                    The mail system (Postfix)

            <r1@n.example> (expanded from <orig@x.y>): no mail here

            --{MessageId}.1760000400/mx.example.org
            Content-Description: Delivery report
            Content-Type: message/delivery-status

            Reporting-MTA: dns; mx.example.org
            Original-Envelope-Id: env+id
            X-Postfix-Queue-ID: {MessageId}
            X-Postfix-Sender: rfc822; s@far.example
            Arrival-Date: Thu,  9 Oct 2025 08:53:20 +0000 (UTC)

            Final-Recipient: rfc822; r1@n.example
            Original-Recipient: rfc822;orig@x.y
            Action: failed
            Status: 5.7.1
            Diagnostic-Code: X-Postfix; no mail here

            --{MessageId}.1760000400/mx.example.org
            Content-Description: Undelivered Message
            Content-Type: message/rfc822

            Return-Path: <s@far.example>
            From: a@b.c
            Subject: hi

            body line

            --{MessageId}.1760000400/mx.example.org--

            """.ReplaceLineEndings("\n"));
    }

    [Fact]
    public async Task Of_a_large_message_no_more_than_its_headers_is_read()
    {
        var status = new DeliveryStatus { Action = DeliveryAction.Bounced, Dsn = "5.7.1", Text = "no mail here" };
        var content = new StoredContent("Subject: large\n\n") { FurtherChunks = 200 };
        var report = await BuildAsync(new Recipient { Number = 0, Address = "r1@n.example" }, status, content);
        content.ChunksRead.ShouldBe(1);
        report.Content.Length.ShouldBeLessThan(3000);
    }

    [Fact]
    public async Task A_report_joins_the_thread_of_the_message_when_asked_to()
    {
        var status = new DeliveryStatus { Action = DeliveryAction.Bounced, Dsn = "5.7.1", Text = "no mail here" };
        var recipient = new Recipient { Number = 0, Address = "r1@n.example" };
        var report = await BuildAsync(recipient, status, new StoredContent("\n"), "enable_threaded_bounces = yes");
        Encoding.UTF8.GetString(report.Content.Span).ShouldContain("\nReferences: <id@far.example>\nIn-Reply-To: <id@far.example>\n");
        report = await BuildAsync(recipient, status, new StoredContent("\n"));
        Encoding.UTF8.GetString(report.Content.Span).ShouldNotContain("\nReferences:");
    }

    [Fact]
    public async Task The_sender_s_aliases_are_followed()
    {
        var status = new DeliveryStatus { Action = DeliveryAction.Bounced, Dsn = "5.7.1", Text = "no mail here" };
        var report = await BuildAsync(
            new Recipient { Number = 0, Address = "r1@n.example" },
            status,
            new StoredContent("\n"),
            "virtual_alias_maps = inline:{ {s@far.example = one@x.y, two@x.y} }");
        report.Recipients.Select(r => r.Address).ShouldBe(["one@x.y", "two@x.y"]);
        report.Envelope.RecipientCount.ShouldBe(2);
    }

    [Fact]
    public async Task Header_from_format_has_a_say_in_reports_too()
    {
        var status = new DeliveryStatus { Action = DeliveryAction.Bounced, Dsn = "5.7.1", Text = "no mail here" };
        var report = await BuildAsync(new Recipient { Number = 0, Address = "r1@n.example" }, status, new StoredContent("\n"), "header_from_format = obsolete");
        Encoding.UTF8.GetString(report.Content.Span).ShouldContain("\nFrom: MAILER-DAEMON@mx.example.org (Mail Delivery System)\n");
    }

    [Fact]
    public async Task A_template_file_has_headers_text_and_charset_of_the_report()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllBytesAsync(
            file, [.. "failure_template = <<EOF\nCharset: iso-8859-1\nFrom: Us <us>, them@n.example\nSubject: Not delivered\n\nAt $myhostname: nicht zugestellt f"u8, 0xfc, .. "r\n$$ ${maximal_queue_lifetime_days}\nEOF\n"u8],
            TestContext.Current.CancellationToken);
        try
        {
            var bytes = (await BuildAsync(
                new Recipient { Number = 0, Address = "r1@n.example" }, Refused, new StoredContent("\n"), $"bounce_template_file = {file}")).Content;
            var text = Encoding.Latin1.GetString(bytes.Span);
            text.ShouldContain("\nFrom: Us <us@mx.example.org>, them@n.example\nSubject: Not delivered\nTo: ");
            text.ShouldContain(
                "Content-Description: Notification\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n\n"
                + "At mx.example.org: nicht zugestellt f\u00fcr\n$ 5\n\n<r1@n.example>: no mail here\n");
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("failure_template = <<EOF\n\n$nosuch\nEOF\n", "warning: FILE: undefined $name in failure template: $nosuch -- the built-in template is used")]
    [InlineData("failure_template = <<EOF\nFoo: x\n\ny\nEOF\n", "warning: FILE: unknown \"Foo\" header label in failure template -- ignoring this template")]
    [InlineData("failure_template\n", "warning: FILE, line 2: missing '=' after attribute name: \"failure_template\" -- the built-in templates are used")]
    [InlineData(null, "warning: open FILE: ")]
    public async Task A_template_that_cannot_be_used_is_warned_of_and_the_report_is_made_without_it(string? text, string warning)
    {
        var directory = Directory.CreateTempSubdirectory();
        var file = Path.Combine(directory.FullName, "bounce.cf");
        try
        {
            if (text is not null)
            {
                await File.WriteAllTextAsync(file, text, TestContext.Current.CancellationToken);
            }

            var lines = new ListLog();
            var report = await BuildAsync(
                new Recipient { Number = 0, Address = "r1@n.example" }, Refused, new StoredContent("\n"), $"bounce_template_file = {file}", lines);
            Encoding.UTF8.GetString(report.Content.Span).ShouldContain("\nThe mail system at mx.example.org writes to you.\n");
            string.Join('\n', lines.Lines).Replace(file, "FILE", StringComparison.Ordinal).ShouldContain(warning);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static async Task<NewMessage> BuildAsync(
        Recipient recipient, DeliveryStatus status, IMessageContent content, string changes = "", ListLog? lines = null)
    {
        var log = new MailLog(lines ?? new ListLog());
        var settings = ResolverTestBed.Parse(CleanupTestBed.MainCf + "\n" + changes);
        var service = new BounceService(settings, log, new ReportTime(), new CleanupTestBed(changes).Expansion);
        var envelope = new Envelope { Id = MessageId, Sender = "s@far.example", EnvelopeId = "env+2Bid", MessageId = "<id@far.example>", Size = content.Length };
        return (await service.BuildAsync(
            NotificationKind.NonDelivery, envelope, content, [new RecipientOutcome(recipient, status)], () => ReportId, TestContext.Current.CancellationToken)).Message!;
    }

    private sealed class ReportTime : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(1_760_000_400);
    }

    private sealed class StoredContent(string begin) : IMessageContent
    {
        private static readonly byte[] Chunk = Encoding.ASCII.GetBytes(new string('x', 262_144));

        public int FurtherChunks { get; init; }

        public int ChunksRead { get; private set; }

        public long Length => begin.Length + (FurtherChunks * (long)Chunk.Length);

        public bool TryGetBytes(out ReadOnlyMemory<byte> content)
        {
            content = default;
            return false;
        }

        public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.Yield();
            ChunksRead++;
            yield return Encoding.UTF8.GetBytes(begin);
            for (var i = 0; i < FurtherChunks; i++)
            {
                ChunksRead++;
                yield return Chunk;
            }
        }
    }
}
