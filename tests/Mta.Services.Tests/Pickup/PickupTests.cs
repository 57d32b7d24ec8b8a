using System.Text.RegularExpressions;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Storage.Maildrop;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Pickup;

public sealed class PickupTests
{
    [Fact]
    public async Task Mail_of_sendmail_goes_through_cleanup_and_leaves_maildrop()
    {
        await using var fixture = await PickupFixture.CreateAsync();
        await fixture.SubmitAsync("Subject: x\n\nhello\n", recipients: ["bob@example.org", "carol@example.org"]);
        await fixture.RunUntilAsync(() => !fixture.Messages.IsEmpty);

        var taken = fixture.Messages.ShouldHaveSingleItem();
        var id = taken.Request.Id.ToString();
        taken.Request.Sender.ShouldBe("alice@example.com");
        taken.Request.LocalContext.ShouldBeTrue();
        taken.Recipients.ShouldBe(["bob@example.org", "carol@example.org"]);
        taken.Content.ShouldBe("Subject: x\n\nhello\n");
        taken.Header.ShouldStartWith($"Received: by mx.example.com (Postfix, from userid 1000)\n\tid {id}; ");
        fixture.LogLines.ShouldContain($"pickup: {id}: uid=1000 from=<alice@example.com>");
        (await fixture.CountAsync("mta_store.maildrop")).ShouldBe(0);
        (await fixture.CountAsync("mta_store.maildrop_chunk")).ShouldBe(0);
    }

    [Fact]
    public async Task Mail_of_sql_names_its_database_role()
    {
        await using var fixture = await PickupFixture.CreateAsync();
        await fixture.SubmitAsync("Subject: x\n\nhello\n", uid: null);
        await fixture.RunUntilAsync(() => !fixture.Messages.IsEmpty);
        fixture.Messages.ShouldHaveSingleItem().Header.ShouldContain("(Postfix, from database role ");
        fixture.LogLines.ShouldContain(l => Regex.IsMatch(l, "^pickup: [^ ]+: uid=[^ ]+ from=<"));
    }

    [Theory]
    [InlineData("a\r\nb\r\n", "a\nb\n")]
    [InlineData("a\r\nb", "a\nb\n")]
    [InlineData("a\rb\r\r\n", "a\rb\r\n")]
    [InlineData("a\r", "a\n")]
    [InlineData("", "")]
    public async Task Line_ends_are_made_the_queues_own(string content, string expected)
    {
        await using var fixture = await PickupFixture.CreateAsync();
        await fixture.SubmitAsync(content);
        await fixture.RunUntilAsync(() => !fixture.Messages.IsEmpty);
        fixture.Messages.ShouldHaveSingleItem().Content.ShouldBe(expected);
    }

    [Fact]
    public async Task Line_end_across_two_pieces_is_one()
    {
        await using var fixture = await PickupFixture.CreateAsync();
        var line = new string('x', (1 << 20) - 1);
        await fixture.SubmitAsync(line + "\r\n" + line + "\ry\n");
        await fixture.RunUntilAsync(() => !fixture.Messages.IsEmpty);
        fixture.Messages.ShouldHaveSingleItem().Content.ShouldBe(line + "\n" + line + "\ry\n");
    }

    [Fact]
    public async Task Mail_that_cannot_be_stored_waits_in_maildrop()
    {
        await using var fixture = await PickupFixture.CreateAsync();
        var tries = 0;
        fixture.Answer = _ => new(tries++ == 0 ? CleanupOutcome.WriteError : CleanupOutcome.Queued);
        await fixture.SubmitAsync("Subject: x\n\nhello\n");
        await fixture.RunUntilAsync(() => tries == 1);
        (await fixture.CountAsync("mta_store.maildrop")).ShouldBe(1);
    }

    [Fact]
    public async Task Mail_that_cleanup_refuses_returns_to_its_sender_in_the_same_transaction()
    {
        await using var fixture = await PickupFixture.CreateAsync();
        fixture.Answer = r => new(r.Sender.Length > 0 ? CleanupOutcome.TooManyHops : CleanupOutcome.Queued);
        await fixture.SubmitAsync("Subject: x\n\nhello\n");
        await fixture.RunUntilAsync(() => fixture.LogLines.Any(l => l.Contains("sender non-delivery notification", StringComparison.Ordinal)));

        var notification = fixture.Messages.ShouldHaveSingleItem();
        notification.Request.Sender.ShouldBe("");
        notification.Recipients.ShouldBe(["alice@example.com"]);
        notification.Content.ShouldBe("Subject: returned\n\n1 5.4.0 too many hops\n");
        notification.Request.Flags.HasFlag(EnvelopeFlags.Internal).ShouldBeTrue();
        (await fixture.CountAsync("mta_store.maildrop")).ShouldBe(0);
    }

    [Fact]
    public async Task Refused_mail_without_a_sender_is_dropped()
    {
        await using var fixture = await PickupFixture.CreateAsync();
        fixture.Answer = _ => new(CleanupOutcome.TooManyHops);
        await fixture.SubmitAsync("Subject: x\n\nhello\n", sender: "");
        await fixture.SubmitAsync("Subject: y\n\nhello\n", sender: "");
        await fixture.RunUntilAsync(() => fixture.LogLines.Count(l => l.Contains("status=bounced", StringComparison.Ordinal)) == 2);
        fixture.Messages.ShouldBeEmpty();
    }

    [Fact]
    public async Task Files_of_the_spool_are_taken_once_each()
    {
        await using var fixture = await PickupFixture.CreateAsync();
        var submission = new Submission { Sender = "é@example.com", Recipients = ["bob@example.org", "a b@example.org"], Notify = DsnNotify.Never, EnvelopeId = "x", Flags = EnvelopeFlags.SmtpUtf8 };
        await fixture.Spool.WriteAsync(submission, PickupFixture.Bytes("Subject: one\n\n1\n"), CancellationToken.None);
        await fixture.Spool.WriteAsync(submission, PickupFixture.Bytes("Subject: two\n\n2\n"), CancellationToken.None);
        var names = fixture.Spool.Files().ToArray();

        // The second was handed in before by a pickup that died before it could remove the file.
        using (var file = fixture.Spool.Open(names[1])!)
        {
            await fixture.Ports.Writer.SubmitFileAsync(names[1], file.Submission, file.Content, CancellationToken.None);
        }

        await fixture.RunUntilAsync(() => fixture.Messages.Count == 2);
        fixture.Messages.Select(m => m.Content).Order().ShouldBe(["Subject: one\n\n1\n", "Subject: two\n\n2\n"]);
        fixture.Messages.ShouldAllBe(m => m.Request.Sender == "é@example.com" && m.Recipients.SequenceEqual(submission.Recipients) && m.Request.EnvelopeId == "x");
        fixture.Spool.Files().ShouldBeEmpty();
        (await fixture.CountAsync("mta_store.maildrop_file")).ShouldBe(0);
    }

    [Fact]
    public async Task Files_that_are_no_messages_are_left_and_named()
    {
        await using var fixture = await PickupFixture.CreateAsync();
        var names = Enumerable.Range(0, 4).Select(_ => Guid.NewGuid().ToString("N")).ToArray();
        string File(int i) => Path.Combine(fixture.Spool.Path, names[i]);
        await System.IO.File.WriteAllTextAsync(File(0), "nonsense", TestContext.Current.CancellationToken);
        System.IO.File.CreateSymbolicLink(File(1), "/etc/passwd");
        await fixture.Spool.WriteAsync(new Submission { Sender = "a", Recipients = [] }, PickupFixture.Bytes("x"), CancellationToken.None);
        await System.IO.File.WriteAllTextAsync(Path.Combine(fixture.Spool.Path, "README"), "not ours", TestContext.Current.CancellationToken);
        await fixture.SubmitAsync("Subject: x\n\nhello\n");
        await fixture.RunUntilAsync(() => !fixture.Messages.IsEmpty && fixture.LogLines.Count(l => l.Contains("left there", StringComparison.Ordinal)) == 3);
        fixture.LogLines.ShouldContain($"pickup: warning: maildrop/{names[0]}: the message is cut off: left there");
        fixture.LogLines.ShouldContain($"pickup: warning: maildrop/{names[1]}: not a regular file of its own, or gone: left there");
        fixture.LogLines.ShouldContain(l => l.EndsWith("there are no recipients: left there", StringComparison.Ordinal));
    }
}
