using System.Diagnostics;
using Mta.Services.Mailbox;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Mailbox;

/// <summary>Other programs lock the same mailbox: Postfix's own postlock(1) here.</summary>
public sealed class MailboxLockTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly MailboxWriter writer = new(TimeProvider.System);

    private string Mbox => directory["box"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData("fcntl", MailboxLocks.Fcntl)]
    [InlineData("flock", MailboxLocks.Flock)]
    [InlineData("dotlock", MailboxLocks.Dotlock)]
    public async Task Delivery_waits_until_the_other_program_is_done(string style, MailboxLocks locks)
    {
        await File.WriteAllTextAsync(Mbox, "", Token);
        using var holder = await HoldAsync(style);
        var order = Orders.To(Mbox) with { Locks = locks };

        var refused = await writer.WriteAsync(order, new TestContent("a\n"), Token);

        refused.Dsn.ShouldBe("4.2.0");
        refused.Reason.ShouldBe(
            style == "dotlock"
                ? $"unable to create lock file {Mbox}.lock: File exists"
                : "unable to lock for exclusive access: Resource temporarily unavailable");
        new FileInfo(Mbox).Length.ShouldBe(0);

        var waiting = writer.WriteAsync(order with { LockAttempts = 100_000 }, new TestContent("a\n"), Token).AsTask();
        holder.StandardInput.Close();
        (await waiting).IsDelivered.ShouldBeTrue();
        await holder.WaitForExitAsync(Token);
    }

    [Fact]
    public async Task Postlock_finds_the_mailbox_free_afterwards()
    {
        (await writer.WriteAsync(Orders.To(Mbox), new TestContent("a\n"), Token)).IsDelivered.ShouldBeTrue();

        (await Command.RunAsync("postlock", ["-l", "fcntl,dotlock", Mbox, "echo", "free"], Token)).ShouldBe("free\n");
    }

    [Fact]
    public async Task Stale_lock_file_is_removed()
    {
        await File.WriteAllTextAsync(Mbox + ".lock", "", Token);
        File.SetLastWriteTimeUtc(Mbox + ".lock", DateTime.UnixEpoch.AddYears(50));

        (await writer.WriteAsync(Orders.To(Mbox), new TestContent("a\n"), Token)).IsDelivered.ShouldBeTrue();

        File.Exists(Mbox + ".lock").ShouldBeFalse();
    }

    [Fact]
    public async Task Lock_file_that_cannot_be_made_defers_at_once()
    {
        var path = directory["missing/box"];

        (await writer.WriteAsync(Orders.To(path), new TestContent("a\n"), Token))
            .ShouldBe(new MailboxResult("4.2.0", $"unable to create lock file {path}.lock: No such file or directory"));
    }

    private async Task<Process> HoldAsync(string style)
    {
        var holder = Command.Start("postlock", ["-l", style, Mbox, "sh", "-c", "echo held; cat"]);
        (await holder.StandardOutput.ReadLineAsync(Token)).ShouldBe("held");
        return holder;
    }
}
