using System.Text;
using Mta.Daemon;
using Mta.Services.Net;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Master;

public sealed class ControlChannelTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Messages_keep_their_bounds_and_carry_descriptors()
    {
        var (master, services) = Pair();
        using (master)
        using (services)
        {
            var received = new TaskCompletionSource<ControlMessage>();
            services.Listen(received.SetResult, () => { });
            var (read, write) = Libc.Pipe();
            using (read)
            {
                master.Send(new ControlMessage(ControlVerb.Start, ["127.0.0.1:25\tx\tnew", "a\nb"], [write])).ShouldBeTrue();
                write.Dispose();
                var message = await received.Task.WaitAsync(TimeSpan.FromSeconds(10), Cancel);

                message.Verb.ShouldBe(ControlVerb.Start);
                message.Fields.ShouldBe(["127.0.0.1:25\tx\tnew", "a b"]);
                var passed = (Microsoft.Win32.SafeHandles.SafeFileHandle)message.Descriptors.ShouldHaveSingleItem();
                Libc.WriteAll(passed, "through"u8);
                passed.Dispose();
                using var reader = new StreamReader(new FileStream(read, FileAccess.Read, 1), Encoding.ASCII);
                (await reader.ReadToEndAsync(Cancel)).ShouldBe("through");
            }
        }
    }

    [Fact]
    public async Task A_message_carries_more_descriptors_than_a_packet_takes()
    {
        var (master, services) = Pair();
        using (master)
        using (services)
        {
            var received = new TaskCompletionSource<ControlMessage>();
            services.Listen(received.SetResult, () => { });
            using var file = File.OpenHandle("/dev/null");
            const int Many = (2 * Libc.MaxDescriptors) + 1;
            master.Send(new ControlMessage(ControlVerb.Start, ["field"], [.. Enumerable.Repeat(file, Many)])).ShouldBeTrue();

            var message = await received.Task.WaitAsync(TimeSpan.FromSeconds(10), Cancel);
            message.Fields.ShouldBe(["field"]);
            message.Descriptors.Count(d => !d.IsInvalid).ShouldBe(Many);
            foreach (var descriptor in message.Descriptors)
            {
                descriptor.Dispose();
            }
        }
    }

    [Fact]
    public async Task Closing_one_end_is_noticed_at_the_other_also_while_a_thread_reads()
    {
        var (master, services) = Pair();
        var closed = new TaskCompletionSource();
        services.Listen(_ => { }, closed.SetResult);
        master.Listen(_ => { }, () => { });

        master.Dispose();

        await closed.Task.WaitAsync(TimeSpan.FromSeconds(10), Cancel);
        services.Send(new ControlMessage(ControlVerb.Ready)).ShouldBeFalse();
        services.Dispose();
    }

    private static (ControlChannel Master, ControlChannel Services) Pair()
    {
        var (one, other) = Libc.SocketPair(packets: true);
        return (new ControlChannel(one), new ControlChannel(other));
    }
}
