using System.Text;
using System.Text.RegularExpressions;
using Mta.Services.Mailbox;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Mailbox;

public sealed class MboxTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly MailboxWriter writer = new(TimeProvider.System);

    private string Mbox => directory["box"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Message_gets_from_line_quoted_from_lines_and_an_empty_line()
    {
        await DeliverAsync("Subject: x\n\nFrom here\n From there\n>From\nFromage\nFrom ");

        var text = await File.ReadAllTextAsync(Mbox, Token);
        text.ShouldMatch("^From s@example.org  (Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} [0-9]{4}\n");
        text[(text.IndexOf('\n') + 1)..].ShouldBe(
            Orders.Headers + "Subject: x\n\n>From here\n From there\n>From\nFromage\n>From \n\n");
        File.GetUnixFileMode(Mbox).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Exists(Mbox + ".lock").ShouldBeFalse();
    }

    [Fact]
    public async Task Null_sender_is_the_mailer_daemon()
    {
        await writer.WriteAsync(Orders.To(Mbox) with { Sender = "" }, new TestContent("\n"), Token);

        (await File.ReadAllTextAsync(Mbox, Token)).ShouldStartWith("From MAILER-DAEMON  ");
    }

    [Fact]
    public async Task Quoting_does_not_depend_on_where_the_content_is_cut()
    {
        const string message = "From a\nFro\nFrom\nFFrom \n\nFrom From \nx\n\nF\nFrom ";
        await DeliverAsync(message);
        var whole = Body(await File.ReadAllTextAsync(Mbox, Token));
        for (var cut = 1; cut < message.Length; cut++)
        {
            File.Delete(Mbox);
            (await writer.WriteAsync(Orders.To(Mbox), new TestContent(message, cut), Token)).IsDelivered.ShouldBeTrue();
            Body(await File.ReadAllTextAsync(Mbox, Token)).ShouldBe(whole);
        }

        static string Body(string text) => text[text.IndexOf('\n')..];
    }

    [Fact]
    public async Task Fifty_at_once_follow_each_other_whole()
    {
        var body = new string('x', 5000) + "\n";
        var deliveries = Enumerable.Range(0, 50).Select(i => DeliverAsync($"N: {i}\n\n{body}").AsTask());

        (await Task.WhenAll(deliveries)).ShouldAllBe(r => r.IsDelivered);

        var messages = Regex.Split(await File.ReadAllTextAsync(Mbox, Token), "^From .*\n", RegexOptions.Multiline)[1..];
        messages.Select(m => m.Replace(Orders.Headers, "", StringComparison.Ordinal))
            .ShouldBe(Enumerable.Range(0, 50).Select(i => $"N: {i}\n\n{body}\n"), ignoreOrder: true);
    }

    [Fact]
    public async Task Over_the_limit_bounces_and_leaves_the_mailbox_as_it_was()
    {
        await DeliverAsync("a\n");
        var before = await File.ReadAllTextAsync(Mbox, Token);

        var result = await writer.WriteAsync(
            Orders.To(Mbox) with { SizeLimit = before.Length + 100_000 }, new TestContent(new byte[100_001], cut: 70_000), Token);

        result.ShouldBe(new MailboxResult("5.2.2", "error writing message: File too large"));
        (await File.ReadAllTextAsync(Mbox, Token)).ShouldBe(before);
    }

    [Fact]
    public async Task Content_that_cannot_be_read_leaves_the_mailbox_as_it_was()
    {
        await DeliverAsync("a\n");
        var before = await File.ReadAllTextAsync(Mbox, Token);

        var result = await writer.WriteAsync(Orders.To(Mbox), new TestContent(new byte[400_000], cut: 70_000, failAfter: 4), Token);

        result.Dsn.ShouldBe("4.3.0");
        (await File.ReadAllTextAsync(Mbox, Token)).ShouldBe(before);
    }

    [Fact]
    public async Task Symbolic_link_is_not_followed()
    {
        await File.WriteAllTextAsync(directory["victim"], "", Token);
        File.CreateSymbolicLink(Mbox, directory["victim"]);
        if (Libc.EffectiveUid == 0)
        {
            // Root's own links are an administrator's, but not in a directory that others may write.
            File.SetUnixFileMode(directory.Path, (UnixFileMode)0b111_111_111);
        }

        (await DeliverAsync("a\n")).ShouldBe(new MailboxResult("4.2.0", "file is a symbolic link"));
        new FileInfo(directory["victim"]).Length.ShouldBe(0);
    }

    [Fact]
    public async Task Second_name_of_the_file_is_refused()
    {
        await File.WriteAllTextAsync(directory["victim"], "", Token);
        await Command.RunAsync("ln", [directory["victim"], Mbox], Token);

        (await DeliverAsync("a\n")).ShouldBe(new MailboxResult("4.2.0", "file has 2 hard links"));
    }

    [Fact]
    public async Task Fifo_does_not_hold_up_the_delivery()
    {
        await Command.RunAsync("mkfifo", [Mbox], Token);

        (await DeliverAsync("a\n")).ShouldBe(new MailboxResult("4.2.0", "cannot open file: No such device or address"));
    }

    [Fact]
    public async Task Directory_in_its_place_defers()
    {
        Directory.CreateDirectory(Mbox);

        (await DeliverAsync("a\n")).ShouldBe(new MailboxResult("4.2.0", "cannot open file: Is a directory"));
    }

    [Fact]
    public async Task Mailbox_of_someone_else_is_not_written_unless_told()
    {
        await File.WriteAllTextAsync(Mbox, "", Token);
        var order = Orders.To(Mbox) with { Uid = Libc.EffectiveUid + 1 };

        var result = await writer.WriteAsync(order, new TestContent("a\n"), Token);

        result.Dsn.ShouldBe("4.2.0");
        result.Reason.ShouldBe($"destination {Mbox} is not owned by recipient");
        result.Warning.ShouldBe("specify \"strict_mailbox_ownership = no\" to ignore mailbox ownership mismatch");
        (await writer.WriteAsync(order with { StrictOwnership = false }, new TestContent("a\n"), Token)).IsDelivered.ShouldBeTrue();
    }

    private ValueTask<MailboxResult> DeliverAsync(string message) =>
        writer.WriteAsync(Orders.To(Mbox), new TestContent(message), Token);
}
