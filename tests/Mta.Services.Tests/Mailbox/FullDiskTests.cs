using Mta.Services.Mailbox;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Mailbox;

/// <summary>On a file system of 64 KB: only root can mount one.</summary>
public sealed class FullDiskTests : IAsyncLifetime
{
    private readonly TemporaryDirectory directory = new();
    private readonly MailboxWriter writer = new(TimeProvider.System);
    private bool mounted;

    private string Disk => directory["disk"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(Disk);
        if (Libc.EffectiveUid == 0)
        {
            await Command.RunAsync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", Disk], Token);
            mounted = true;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (mounted)
        {
            await Command.RunAsync("umount", ["-l", Disk], CancellationToken.None);
        }

        directory.Dispose();
    }

    [Theory]
    [InlineData("maildir/")]
    [InlineData("mbox")]
    public async Task Mail_is_deferred_and_what_was_there_stays_whole(string mailbox)
    {
        Assert.SkipUnless(mounted, "mounting needs root");
        var order = Orders.To(Path.Combine(Disk, mailbox));
        (await writer.WriteAsync(order, new TestContent(new string('a', 20_000) + "\n"), Token)).IsDelivered.ShouldBeTrue();
        var before = Files();

        (await writer.WriteAsync(order, new TestContent(new string('b', 60_000) + "\n"), Token))
            .ShouldBe(new MailboxResult("4.3.0", "error writing message: No space left on device"));
        Files().ShouldBe(before);

        (await writer.WriteAsync(order, new TestContent(new string('c', 10_000) + "\n"), Token)).IsDelivered.ShouldBeTrue();
    }

    private (string Path, long Length)[] Files() =>
        [.. Directory.GetFiles(Disk, "*", SearchOption.AllDirectories).Order().Select(f => (f, new FileInfo(f).Length))];
}
