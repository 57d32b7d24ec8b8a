using System.Runtime.CompilerServices;
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

/// <summary>Header and body checks of reports (internal_mail_filter_classes).</summary>
public sealed class InspectedReportTests
{
    private readonly List<string> log = [];

    [Fact]
    public async Task Nothing_looks_into_a_report_by_default()
    {
        var report = await BuildAsync("header_checks = pcre:{{/./ REJECT}}", "");
        report.Message.ShouldNotBeNull();
        log.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_report_is_changed_by_rules_as_other_mail()
    {
        var plain = await BuildAsync("", "bounce");
        var report = await BuildAsync(
            "header_checks = pcre:{{/^Subject:/ PREPEND X-Seen: yes}, {/^Auto-Submitted:/ IGNORE}}\nbody_checks = pcre:{{/^the body/ REPLACE another body}}", "notify, bounce");
        Text(report.Message!).ShouldBe(
            Text(plain.Message!)
                .Replace("\nSubject: ", "\nX-Seen: yes\nSubject: ", StringComparison.Ordinal)
                .Replace("Auto-Submitted: auto-replied\n", "", StringComparison.Ordinal)
                .Replace("\nthe body\n", "\nanother body\n", StringComparison.Ordinal));
        report.Message!.Envelope.Size.ShouldBe(report.Message.Content.Length);
    }

    [Fact]
    public async Task A_report_is_held_and_sent_elsewhere_where_rules_say_so()
    {
        var report = (await BuildAsync(
            "header_checks = pcre:{{/^Subject:/ HOLD}, {/^To:/ BCC copies@far.example}, {/^Date:/ FILTER smtp:[scan.example]}}", "bounce")).Message!;
        (report.Hold, report.Owned, report.Envelope.Filter).ShouldBe((HoldReason.HeaderChecks, false, "smtp:[scan.example]"));
        report.Recipients.Select(r => r.Address).ShouldBe(["s@far.example", "copies@far.example"]);
        (await BuildAsync("header_checks = pcre:{{/^Subject:/ REDIRECT box@far.example}}", "bounce")).Message!.Recipients.Single().Address.ShouldBe("box@far.example");
    }

    [Theory]
    [InlineData("pcre:{{/^Subject:/ REJECT no reports}}", true, "reject: header Subject: Undelivered Mail Returned to Sender from local; from=<> to=<s@far.example>: 5.7.1 no reports")]
    [InlineData("pcre:{{/^Subject:/ DISCARD}}", false, "discard: header Subject: Undelivered Mail Returned to Sender from local; from=<> to=<s@far.example>")]
    [InlineData("fail:broken", true, "header_checks map lookup problem -- message not accepted, try again later")]
    public async Task A_report_that_is_thrown_away_is_not_sent_and_one_that_is_refused_has_to_wait(string rules, bool waits, string line)
    {
        var report = await BuildAsync($"header_checks = {rules}", "bounce");
        report.Message.ShouldBeNull();
        report.IsFailed.ShouldBe(waits);
        log.ShouldContain(l => l.EndsWith(line, StringComparison.Ordinal));
    }

    private static string Text(NewMessage message) => Encoding.UTF8.GetString(message.Content.Span);

    private async Task<Notification> BuildAsync(string checks, string classes)
    {
        var changes = $"{checks}\ninternal_mail_filter_classes = {classes}";
        var bed = new CleanupTestBed(changes);
        var settings = ResolverTestBed.Parse(CleanupTestBed.MainCf + "\n" + changes);
        var service = new BounceService(settings, new MailLog(bed.Log), new StillTime(), bed.Expansion, bed.Checks);
        var envelope = new Envelope { Id = QueueId.Create(1_760_000_000_000_000, 17), Sender = "s@far.example" };
        var failed = new RecipientOutcome(new Recipient { Number = 0, Address = "r@far.example" }, DeliveryStatus.Bounced("5.1.1", "no such user"));
        var report = await service.BuildAsync(
            NotificationKind.NonDelivery, envelope, new Original(), [failed], () => QueueId.Create(1_760_000_100_000_000, 17), TestContext.Current.CancellationToken);
        log.AddRange(bed.Log.Lines);
        return report;
    }

    private sealed class StillTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(1_760_000_400);
    }

    private sealed class Original : IMessageContent
    {
        private static readonly byte[] Bytes = "Subject: x\n\nthe body\n"u8.ToArray();

        public long Length => Bytes.Length;

        public bool TryGetBytes(out ReadOnlyMemory<byte> content)
        {
            content = Bytes;
            return true;
        }

        public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.Yield();
            yield return Bytes;
        }
    }
}
