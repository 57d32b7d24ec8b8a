using System.Text;
using MimeKit;
using Mta.Services.Mailbox;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Mailbox;

/// <summary>The real and difficult messages of tests/mail, through a maildir and through an mbox that MimeKit reads.</summary>
public sealed class RealMailTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly MailboxWriter writer = new(TimeProvider.System);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task All_arrive_in_a_maildir_byte_for_byte()
    {
        foreach (var (name, content) in Messages())
        {
            var maildir = directory[name + "/"];
            (await writer.WriteAsync(Orders.To(maildir), new TestContent(content, cut: 4096), Token)).IsDelivered.ShouldBeTrue();

            var file = Directory.GetFiles(maildir + "new").ShouldHaveSingleItem();
            byte[] expected = [.. Encoding.ASCII.GetBytes(Orders.Headers), .. content];
            (await File.ReadAllBytesAsync(file, Token)).AsSpan().SequenceEqual(expected).ShouldBeTrue(name);
        }
    }

    [Fact]
    public async Task All_arrive_in_one_mbox_and_are_found_in_it()
    {
        var mbox = directory["mbox"];
        var messages = Messages().ToList();
        foreach (var (name, content) in messages)
        {
            (await writer.WriteAsync(Orders.To(mbox), new TestContent(content, cut: 1000), Token)).IsDelivered.ShouldBeTrue(name);
        }

        await using var stream = File.OpenRead(mbox);
        var parser = new MimeParser(stream, MimeFormat.Mbox);
        var count = 0;
        for (; !parser.IsEndOfStream; count++)
        {
            (await parser.ParseMessageAsync(Token)).Headers["Delivered-To"].ShouldBe("a@example.com");
        }

        count.ShouldBe(messages.Count);
    }

    // As the queue has them: LF line ends.
    private static IEnumerable<(string Name, byte[] Content)> Messages()
    {
        var files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "mail"), "*.eml");
        files.Length.ShouldBeGreaterThan(10);
        return files.Order().Select(f => (
            Path.GetFileNameWithoutExtension(f),
            Encoding.Latin1.GetBytes(File.ReadAllText(f, Encoding.Latin1).ReplaceLineEndings("\n"))));
    }
}
