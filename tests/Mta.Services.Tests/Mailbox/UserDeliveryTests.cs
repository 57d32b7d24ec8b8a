using System.Text;
using Mta.Services.Mailbox;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Mailbox;

public sealed class UserDeliveryTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    private string Maildir => directory["box/"];

    // Another group than ours, so that a child is asked; its user is ours, so that it obeys.
    private MailboxOrder ByChild => Orders.To(Maildir) with { Gid = Libc.EffectiveGid + 1 };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Own_user_is_served_without_a_child()
    {
        await using var processes = TestProcesses.Real;
        await using var delivery = Make(processes);

        (await delivery.DeliverAsync(Orders.To(Maildir), new TestContent("a\n"), Token)).IsDelivered.ShouldBeTrue();

        processes.Count.ShouldBe(0);
    }

    [Fact]
    public async Task Without_privileges_own_user_is_served_and_another_deferred()
    {
        await using var processes = new TestProcesses((_, _) => Task.CompletedTask) { ArePrivileged = false };
        await using var delivery = Make(processes);

        (await delivery.DeliverAsync(ByChild, new TestContent("a\n"), Token)).IsDelivered.ShouldBeTrue();
        var other = Libc.EffectiveUid + 1;
        (await delivery.DeliverAsync(Orders.To(Maildir) with { Uid = other }, new TestContent("a\n"), Token)).ShouldBe(
            new MailboxResult("4.3.0", $"cannot deliver as user id {other}: the mail system runs as user id {Libc.EffectiveUid}, not as root"));
    }

    [Fact]
    public async Task One_child_serves_many_deliveries_at_a_time()
    {
        await using var processes = TestProcesses.Real;
        await using var delivery = Make(processes);

        var results = await Task.WhenAll(
            Enumerable.Range(0, 60).Select(i => delivery.DeliverAsync(ByChild, new TestContent($"N: {i}\n"), Token).AsTask()));

        results.ShouldAllBe(r => r.IsDelivered);
        Directory.GetFiles(Maildir + "new").Select(File.ReadAllText).Order()
            .ShouldBe(Enumerable.Range(0, 60).Select(i => $"{Orders.Headers}N: {i}\n").Order());
        processes.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Large_messages_flow_through_the_child_beside_each_other()
    {
        await using var processes = TestProcesses.Real;
        await using var delivery = Make(processes);
        var bytes = new byte[3_000_000];
        new Random(2).NextBytes(bytes);

        var results = await Task.WhenAll(
            delivery.DeliverAsync(ByChild, new TestContent(bytes), Token).AsTask(),
            delivery.DeliverAsync(ByChild, new TestContent(bytes, cut: 300_000), Token).AsTask(),
            delivery.DeliverAsync(ByChild, new TestContent(bytes, cut: 1000), Token).AsTask());

        results.ShouldAllBe(r => r.IsDelivered);
        byte[] expected = [.. Encoding.ASCII.GetBytes(Orders.Headers), .. bytes];
        var files = Directory.GetFiles(Maildir + "new");
        files.Length.ShouldBe(3);
        foreach (var file in files)
        {
            (await File.ReadAllBytesAsync(file, Token)).AsSpan().SequenceEqual(expected).ShouldBeTrue();
        }
    }

    [Fact]
    public async Task Large_message_that_fails_at_once_does_not_block_the_child()
    {
        await using var processes = TestProcesses.Real;
        await using var delivery = Make(processes);
        await File.WriteAllTextAsync(directory["box"], "", Token);

        (await delivery.DeliverAsync(ByChild, new TestContent(new byte[2_000_000]), Token)).Dsn.ShouldBe("4.2.0");

        File.Delete(directory["box"]);
        (await delivery.DeliverAsync(ByChild, new TestContent("a\n"), Token)).IsDelivered.ShouldBeTrue();
        processes.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Content_that_cannot_be_read_is_undone_by_the_child()
    {
        await using var processes = TestProcesses.Real;
        await using var delivery = Make(processes);

        var result = await delivery.DeliverAsync(ByChild, new TestContent(new byte[500_000], cut: 60_000, failAfter: 3), Token);

        result.Dsn.ShouldBe("4.3.0");
        Directory.GetFiles(Maildir + "new").ShouldBeEmpty();
        Directory.GetFiles(Maildir + "tmp").ShouldBeEmpty();
    }

    [Fact]
    public async Task Child_that_dies_defers_what_it_had_and_is_replaced()
    {
        var first = true;
        await using var processes = new TestProcesses(async (stream, token) =>
        {
            if (first)
            {
                first = false;
                await DeliveryFrame.ReadAsync(stream, token);
                return;
            }

            await DeliveryChild.RunAsync(stream, TimeProvider.System, token);
        });
        await using var delivery = Make(processes);

        (await delivery.DeliverAsync(ByChild, new TestContent("a\n"), Token)).ShouldBe(new MailboxResult("4.3.0", "delivery process failed: it ended"));
        (await delivery.DeliverAsync(ByChild, new TestContent("a\n"), Token)).IsDelivered.ShouldBeTrue();
        processes.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n", "malformed frame")]
    [InlineData("\u0003\0\0\0\u0006\u0001\0\0\0\u0002xy", "malformed result")]
    [InlineData("\b\0\0\0\u0006\u0001\0\0\0\u00052.0.0\0\0", "")]
    [InlineData("\b\0\0\0\u0006\u0001\0\0\0\u00053.0.0\0\0", "malformed result")]
    [InlineData("\0\0\0\0\u0001\u0001\0\0\0", "malformed answer")]
    public async Task Child_that_talks_nonsense_defers(string answer, string reason)
    {
        await using var processes = new TestProcesses(async (stream, token) =>
        {
            await DeliveryFrame.ReadAsync(stream, token);
            await stream.WriteAsync(Encoding.Latin1.GetBytes(answer), token);
            await DeliveryFrame.ReadAsync(stream, token);
        });
        await using var delivery = Make(processes);

        var result = await delivery.DeliverAsync(ByChild, new TestContent("a\n"), Token);

        result.ShouldBe(reason.Length == 0 ? MailboxResult.Delivered : new MailboxResult("4.3.0", "delivery process failed: " + reason));
    }

    [Fact]
    public async Task Child_that_keeps_silent_defers_after_the_deadline()
    {
        var time = new ManualTime();
        await using var processes = new TestProcesses(async (stream, token) =>
        {
            await DeliveryFrame.ReadAsync(stream, token);
            time.Advance(TimeSpan.FromHours(1));
            await DeliveryFrame.ReadAsync(stream, token);
        });
        await using var delivery = new UserDelivery(new MailboxWriter(time), processes, time);

        var result = await delivery.DeliverAsync(ByChild, new TestContent("a\n"), Token);

        result.ShouldBe(new MailboxResult("4.3.0", "delivery process failed: no answer in time"));
    }

    [Fact]
    public async Task Idle_child_is_ended_after_a_while()
    {
        var time = new ManualTime();
        var ended = new TaskCompletionSource();
        await using var processes = new TestProcesses(async (stream, token) =>
        {
            await DeliveryChild.RunAsync(stream, TimeProvider.System, token);
            ended.SetResult();
        });
        await using var delivery = new UserDelivery(new MailboxWriter(time), processes, time);
        await delivery.DeliverAsync(ByChild, new TestContent("a\n"), Token);

        time.Advance(TimeSpan.FromSeconds(31));
        (await delivery.DeliverAsync(ByChild, new TestContent("a\n"), Token)).IsDelivered.ShouldBeTrue();
        processes.Count.ShouldBe(1);
        time.Advance(TimeSpan.FromSeconds(101));
        await ended.Task.WaitAsync(Token);
    }

    [Fact]
    public async Task Cancelled_delivery_frees_the_child_for_others()
    {
        await using var processes = TestProcesses.Real;
        await using var delivery = Make(processes);
        await File.WriteAllTextAsync(directory["box.lock"], "", Token);
        using var cancellation = new CancellationTokenSource();
        var order = ByChild with { Path = directory["box"], LockAttempts = 1_000_000 };
        var stuck = delivery.DeliverAsync(order, new TestContent("a\n"), cancellation.Token).AsTask();

        (await delivery.DeliverAsync(ByChild with { Path = directory["other/"] }, new TestContent("b\n"), Token)).IsDelivered.ShouldBeTrue();
        await cancellation.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(stuck);
        (await delivery.DeliverAsync(ByChild with { Path = directory["other/"] }, new TestContent("b\n"), Token)).IsDelivered.ShouldBeTrue();
        processes.Count.ShouldBe(1);
    }

    private static UserDelivery Make(TestProcesses processes) => new(new MailboxWriter(TimeProvider.System), processes, TimeProvider.System);
}
