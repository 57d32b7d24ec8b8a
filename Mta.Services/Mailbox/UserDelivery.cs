using Mta.Services.Clients;

namespace Mta.Services.Mailbox;

/// <summary>
/// Has mailboxes written as the user that owns them: in this process when it runs as that user, else in a child of that user, which is
/// kept for the next mail. Without privileges, mail for another user is deferred.
/// </summary>
public sealed class UserDelivery : IAsyncDisposable
{
    /// <summary>The service that a child runs; it calls <see cref="DeliveryChild.RunAsync"/>.</summary>
    public const string ServiceName = "delivery";

    // A start costs some 30 ms, a kept child some 20 MB. As long as Postfix keeps an idle process (max_idle).
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(100);

    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(30);

    private const int Kept = 16;

    private readonly MailboxWriter writer;
    private readonly IUserProcesses processes;
    private readonly TimeProvider time;
    private readonly SemaphoreSlim gate = new(1, 1);
    private readonly Dictionary<(uint Uid, uint Gid), DeliveryConnection> children = [];
    private readonly ITimer timer;

    public UserDelivery(MailboxWriter writer, IUserProcesses processes, TimeProvider time)
    {
        this.writer = writer;
        this.processes = processes;
        this.time = time;
        timer = time.CreateTimer(static state => _ = ((UserDelivery)state!).SweepAsync(), this, SweepInterval, SweepInterval);
    }

    /// <summary>Writes one copy as the order's user. Throws only when cancelled.</summary>
    public async ValueTask<MailboxResult> DeliverAsync(MailboxOrder order, IMessageContent content, CancellationToken cancellationToken)
    {
        if (order.Uid == Libc.EffectiveUid && (order.Gid == Libc.EffectiveGid || !processes.ArePrivileged))
        {
            return await writer.WriteAsync(order, content, cancellationToken).ConfigureAwait(false);
        }

        if (!processes.ArePrivileged)
        {
            return new MailboxResult("4.3.0", $"cannot deliver as user id {order.Uid}: the mail system runs as user id {Libc.EffectiveUid}, not as root");
        }

        DeliveryConnection child;
        try
        {
            child = await ChildAsync(order.Uid, order.Gid, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException failure)
        {
            return new MailboxResult("4.3.0", $"cannot start delivery process for user id {order.Uid}: {failure.Message}");
        }

        return await child.DeliverAsync(order, content, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends all children.</summary>
    public async ValueTask DisposeAsync()
    {
        await timer.DisposeAsync().ConfigureAwait(false);
        await gate.WaitAsync().ConfigureAwait(false);
        try
        {
            foreach (var child in children.Values)
            {
                await child.DisposeAsync().ConfigureAwait(false);
            }

            children.Clear();
        }
        finally
        {
            gate.Release();
        }
    }

    // Ends the children that had nothing to do for a while.
    private async Task SweepAsync()
    {
        await gate.WaitAsync().ConfigureAwait(false);
        try
        {
            foreach (var (owner, child) in children)
            {
                if (!child.IsUsable || (child.IsIdle && time.GetElapsedTime(child.LastUse) > Idle))
                {
                    children.Remove(owner);
                    await child.DisposeAsync().ConfigureAwait(false);
                }
            }
        }
        finally
        {
            gate.Release();
        }
    }

    private async ValueTask<DeliveryConnection> ChildAsync(uint uid, uint gid, CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (children.TryGetValue((uid, gid), out var child))
            {
                if (child.IsUsable)
                {
                    child.Touch();
                    return child;
                }

                children.Remove((uid, gid));
                await child.DisposeAsync().ConfigureAwait(false);
            }

            await MakeRoomAsync().ConfigureAwait(false);
            child = new DeliveryConnection(await processes.OpenAsync(uid, gid, ServiceName, cancellationToken).ConfigureAwait(false), time);
            children.Add((uid, gid), child);
            return child;
        }
        finally
        {
            gate.Release();
        }
    }

    // Busy children may be more than that: their number is bounded by the concurrency of the transports.
    private async ValueTask MakeRoomAsync()
    {
        while (children.Count >= Kept)
        {
            (uint, uint)? longest = null;
            var since = long.MaxValue;
            foreach (var (owner, child) in children)
            {
                if (child.IsIdle && child.LastUse < since)
                {
                    (longest, since) = (owner, child.LastUse);
                }
            }

            if (longest is not { } idle)
            {
                return;
            }

            children.Remove(idle, out var ended);
            await ended!.DisposeAsync().ConfigureAwait(false);
        }
    }
}
