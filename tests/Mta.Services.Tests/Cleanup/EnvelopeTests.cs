using Mta.Core.Queue;
using Mta.Services.Clients;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Cleanup;

/// <summary>Recipients in, recipients out: <c>address&lt;original notify</c>, the original only where it differs.</summary>
public sealed class EnvelopeTests
{
    private const string Aliases =
        """
        virtual_alias_maps = inline:{ {one@v.example = r1@far.example} {two@v.example = r1@far.example, "q s"@far.example} {loop@v.example = loop@v.example, x} {a@v.example = b@v.example} {b@v.example = c} {user=other@far.example} {@catch.example=@far.example} {deep@v.example = two@v.example, a@v.example} {same@v.example = SAME@v.example} }
        """;

    [Theory]
    [InlineData("", "r@far.example", "r@far.example")]
    [InlineData("", "r", "r@mx.example.org<r")]
    [InlineData("", "", "MAILER-DAEMON@mx.example.org<")]
    [InlineData("enable_original_recipient = no", "r", "r@mx.example.org<r")]
    [InlineData("", "a@x.y|A@x.y|b@x.y", "a@x.y|b@x.y")]
    [InlineData("", "a|a@mx.example.org", "a@mx.example.org<a|a@mx.example.org")]
    [InlineData("enable_original_recipient = no", "a|a@mx.example.org", "a@mx.example.org<a")]
    [InlineData(Aliases, "plain@v.example", "plain@v.example")]
    [InlineData(Aliases, "one@v.example", "r1@far.example<one@v.example")]
    [InlineData(Aliases, "one+ext@v.example", "r1+ext@far.example<one+ext@v.example")]
    [InlineData(Aliases + "\npropagate_unmatched_extensions = canonical", "one+ext@v.example", "r1@far.example<one+ext@v.example")]
    [InlineData(Aliases, "two@v.example", "r1@far.example<two@v.example|q s@far.example<two@v.example")]
    [InlineData(Aliases, "one@v.example|two@v.example", "r1@far.example<one@v.example|r1@far.example<two@v.example|q s@far.example<two@v.example")]
    [InlineData(Aliases + "\nenable_original_recipient = no", "one@v.example|two@v.example", "r1@far.example<one@v.example|q s@far.example<two@v.example")]
    [InlineData(Aliases, "loop@v.example", "loop@v.example|x@mx.example.org<loop@v.example")]
    [InlineData(Aliases, "a@v.example", "c@mx.example.org<a@v.example")]
    [InlineData(Aliases, "user@local.example", "other@far.example<user@local.example")]
    [InlineData(Aliases, "user", "other@far.example<user")]
    [InlineData(Aliases, "user@far.example", "user@far.example")]
    [InlineData(Aliases, "who+ever@catch.example", "who+ever@far.example<who+ever@catch.example")]
    [InlineData(Aliases, "deep@v.example", "r1@far.example<deep@v.example|c@mx.example.org<deep@v.example|q s@far.example<deep@v.example")]
    [InlineData(Aliases, "same@v.example", "SAME@v.example")]
    [InlineData("virtual_alias_maps = inline:{ {\"sp ace\"@v.example=g1 g2,g3} }", "sp ace@v.example", "g1@mx.example.org<sp ace@v.example|g2@mx.example.org<sp ace@v.example|g3@mx.example.org<sp ace@v.example")]
    [InlineData("virtual_alias_maps = inline:{ {disp@v.example=Foo <disp2@x.y>} }", "disp@v.example", "disp2@x.y<disp@v.example")]
    [InlineData("virtual_alias_maps = inline:{ {ext@v.example=e1+a@x.y} }", "ext+b@v.example", "e1+a+b@x.y<ext+b@v.example")]
    [InlineData("always_bcc = archive", "r@x.y", "r@x.y|archive@mx.example.org Never")]
    [InlineData("always_bcc = archive@x.y\n" + Aliases, "one@v.example", "r1@far.example<one@v.example|archive@x.y Never")]
    [InlineData("sender_bcc_maps = inline:{s@x.example=sbcc@x.y}", "r@x.y", "sbcc@x.y Never|r@x.y")]
    [InlineData("recipient_bcc_maps = inline:{@x.y=rbcc@z.y}", "r@x.y|q@x.y", "r@x.y|rbcc@z.y Never|q@x.y")]
    public async Task Recipients_become_those_of_the_queue(string changes, string given, string expected)
    {
        var bed = new CleanupTestBed(changes);
        (await bed.SendAsync("Subject: x\n\nb\n", recipients: given.Split('|'))).Outcome.ShouldBe(CleanupOutcome.Queued);
        var recipients = bed.Intake.LastMessage!.Recipients;
        string.Join('|', recipients.Select(Describe)).ShouldBe(expected);
        recipients.Select(r => r.Number).ShouldBe(Enumerable.Range(0, recipients.Count));
        bed.Intake.LastMessage.Envelope.RecipientCount.ShouldBe(recipients.Count);
    }

    [Theory]
    [InlineData("s@x.example", "s@x.example")]
    [InlineData("s", "s@mx.example.org")]
    [InlineData("", "")]
    [InlineData("mailer-daemon", "")]
    [InlineData("Mailer-Daemon@mx.example.org", "")]
    [InlineData("mailer-daemon@far.example", "mailer-daemon@far.example")]
    public async Task Sender_is_completed(string given, string expected)
    {
        var bed = new CleanupTestBed();
        await bed.SendAsync("\n", sender: given);
        bed.Intake.LastMessage!.Envelope.Sender.ShouldBe(expected);
    }

    [Theory]
    [InlineData("virtual_alias_maps = fail:x", null, "virtual_alias_maps map lookup problem for r@x.y -- message not accepted, try again later")]
    [InlineData("virtual_alias_maps = inline:{ {r@x.y=1@x.y} {1@x.y=2@x.y} {2@x.y=3@x.y} }\nvirtual_alias_recursion_limit = 3", "4.6.0", "unreasonable virtual_alias_maps map nesting for r@x.y -- message not accepted, try again later")]
    [InlineData("virtual_alias_maps = inline:{ {r@x.y=a@x.y, b@x.y, c@x.y, d@x.y} }\nvirtual_alias_expansion_limit = 3", "4.6.0", "unreasonable virtual_alias_maps map expansion size for r@x.y -- message not accepted, try again later")]
    [InlineData("virtual_alias_maps = inline:{ {r@x.y=aaaaaaaaaa@x.y} }\nvirtual_alias_address_length_limit = 10", "4.6.0", "unreasonable virtual_alias_maps result aaaaaaaaaa@x.y... -- message not accepted, try again later")]
    [InlineData("recipient_bcc_maps = fail:x", null, "recipient_bcc_maps map lookup problem -- message not accepted, try again later")]
    public async Task What_cannot_be_expanded_is_refused_for_now(string changes, string? dsn, string warning)
    {
        var bed = new CleanupTestBed(changes);
        var result = await bed.SendAsync("Message-Id: <x>\n\nb\n", recipients: ["r@x.y"]);
        result.Outcome.ShouldBe(CleanupOutcome.WriteError);
        result.Dsn.ShouldBe(dsn);
        bed.Intake.LastMessage.ShouldBeNull();
        bed.LogLines.ShouldContain($"cleanup: warning: QID: {warning}");
    }

    [Fact]
    public async Task Mail_of_the_mail_system_s_own_has_no_bcc()
    {
        var bed = new CleanupTestBed("always_bcc = archive@x.y\nsender_bcc_maps = static:s@x.y\nrecipient_bcc_maps = static:r@x.y");
        await using var message = bed.Begin(new CleanupRequest { Sender = "s@x.example", Flags = EnvelopeFlags.Internal });
        message.AddRecipient("to@x.y");
        await message.FinishAsync(TestContext.Current.CancellationToken);
        bed.Intake.LastMessage!.Recipients.ShouldHaveSingleItem().Address.ShouldBe("to@x.y");
    }

    [Fact]
    public async Task A_message_without_recipients_is_refused() =>
        (await new CleanupTestBed().SendAsync("\n", recipients: [])).Outcome.ShouldBe(CleanupOutcome.NoRecipients);

    private static string Describe(Recipient recipient) =>
        $"{recipient.Address}{(recipient.Original is null ? "" : $"<{recipient.Original}")}{(recipient.Notify == DsnNotify.Default ? "" : $" {recipient.Notify}")}";
}
