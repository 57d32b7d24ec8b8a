using System.Text;
using System.Text.RegularExpressions;
using Mta.Services.Mailbox;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Mailbox;

public sealed class MaildirTests : IDisposable
{
    private const string Message = "Subject: x\n\nFrom here\n.\n";

    private readonly TemporaryDirectory directory = new();
    private readonly MailboxWriter writer = new(TimeProvider.System);

    private string Maildir => directory["deep/er/box/"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Message_lies_in_new_with_its_headers_before_it_and_nothing_in_tmp()
    {
        (await writer.WriteAsync(Orders.To(Maildir), new TestContent(Message), Token)).ShouldBe(MailboxResult.Delivered);

        var file = Directory.GetFiles(Maildir + "new").ShouldHaveSingleItem();
        (await File.ReadAllTextAsync(file, Token)).ShouldBe(Orders.Headers + Message);
        Directory.GetFiles(Maildir + "tmp").ShouldBeEmpty();
        Directory.Exists(Maildir + "cur").ShouldBeTrue();
    }

    [Fact]
    public async Task Only_the_owner_may_read_it()
    {
        await writer.WriteAsync(Orders.To(Maildir), new TestContent(Message), Token);

        File.GetUnixFileMode(Directory.GetFiles(Maildir + "new")[0]).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        foreach (var made in (string[])["", "new", "tmp", "cur"])
        {
            File.GetUnixFileMode(Maildir + made).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [Fact]
    public async Task Name_carries_device_inode_and_microseconds()
    {
        await writer.WriteAsync(Orders.To(Maildir), new TestContent(Message), Token);

        var file = Directory.GetFiles(Maildir + "new")[0];
        var name = Regex.Match(Path.GetFileName(file), "^[0-9]+\\.V([0-9a-f]+)I([0-9a-f]+)M[0-9]{1,6}\\.[^/:]+$");
        name.Success.ShouldBeTrue();
        var stat = await Command.RunAsync("stat", ["-c", "%D %i", file], Token);
        stat.Trim().ShouldBe($"{name.Groups[1].Value} {Convert.ToInt64(name.Groups[2].Value, 16)}");
    }

    [Fact]
    public async Task Hundred_at_once_all_arrive()
    {
        var deliveries = Enumerable.Range(0, 100).Select(i => writer.WriteAsync(Orders.To(Maildir), new TestContent($"X: {i}\n\n"), Token).AsTask());

        (await Task.WhenAll(deliveries)).ShouldAllBe(r => r.IsDelivered);

        var texts = Directory.GetFiles(Maildir + "new").Select(File.ReadAllText).ToHashSet();
        texts.Count.ShouldBe(100);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(70000)]
    public async Task Large_message_streams_byte_for_byte(int cut)
    {
        var bytes = new byte[200_000];
        new Random(1).NextBytes(bytes);

        (await writer.WriteAsync(Orders.To(Maildir), new TestContent(bytes, cut), Token)).IsDelivered.ShouldBeTrue();

        (await File.ReadAllBytesAsync(Directory.GetFiles(Maildir + "new")[0], Token))
            .ShouldBe([.. Encoding.ASCII.GetBytes(Orders.Headers), .. bytes]);
    }

    [Fact]
    public async Task Over_the_limit_bounces_and_leaves_nothing()
    {
        var result = await writer.WriteAsync(Orders.To(Maildir) with { SizeLimit = 120 }, new TestContent(Message + Message), Token);

        result.ShouldBe(new MailboxResult("5.2.2", "error writing message: File too large"));
        ShouldHoldNothing();
    }

    [Fact]
    public async Task Content_that_cannot_be_read_defers_and_leaves_nothing()
    {
        var result = await writer.WriteAsync(Orders.To(Maildir), new TestContent(Message, cut: 4, failAfter: 2), Token);

        result.ShouldBe(new MailboxResult("4.3.0", "error reading message: the database is away"));
        ShouldHoldNothing();
    }

    [Fact]
    public async Task Cancelled_delivery_leaves_nothing()
    {
        using var cancellation = new CancellationTokenSource();
        await cancellation.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(
            async () => await writer.WriteAsync(Orders.To(Maildir), new TestContent(Message, cut: 4), cancellation.Token));
        ShouldHoldNothing();
    }

    [Fact]
    public async Task File_in_the_way_of_the_directory_defers()
    {
        await File.WriteAllTextAsync(directory["deep"], "", Token);

        var result = await writer.WriteAsync(Orders.To(Maildir), new TestContent(Message), Token);

        result.Dsn.ShouldBe("4.2.0");
        result.Reason.ShouldStartWith($"create maildir file {Maildir}tmp/");
        result.Reason.ShouldEndWith(": Not a directory");
    }

    private void ShouldHoldNothing()
    {
        Directory.GetFiles(Maildir + "tmp").ShouldBeEmpty();
        Directory.GetFiles(Maildir + "new").ShouldBeEmpty();
    }
}
