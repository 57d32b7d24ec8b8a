using Mta.Services.Flush;
using Mta.Services.Maps;
using Mta.Services.Pickup;
using Mta.Services.Showq;
using Mta.Storage.Queue;
using Mta.Storage.Showq;

namespace Mta.Daemon;

/// <summary>The services of a node that commands on the same host talk to.</summary>
internal sealed class LocalServices : IAsyncDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly PickupService? pickup;
    private readonly ShowqService? showq;
    private readonly FlushService? flush;
    private readonly Task running = Task.CompletedTask;

    /// <param name="configuration">Says which of them run.</param>
    /// <param name="ports">What pickup works with.</param>
    /// <param name="storage">The database.</param>
    /// <param name="tables">For lists of users.</param>
    /// <param name="flushed">Called when deferred mail was made due.</param>
    public LocalServices(NodeConfiguration configuration, PickupPorts ports, NodeStorage storage, TableRegistry tables, Action flushed)
    {
        if (configuration.Runs("showq"))
        {
            showq = new ShowqService(new QueueLister(storage.Listings), tables, configuration.SettingsOf("showq"), ports.Log);
        }

        // postqueue -f needs it also where master.cf has no flush service: there Postfix asks the queue manager.
        if (configuration.Runs("flush") || configuration.Runs("qmgr"))
        {
            flush = new FlushService(new QueueRequests(storage.Reads), tables, configuration.SettingsOf("flush"), ports.Log, flushed);
        }

        if (configuration.Runs("pickup"))
        {
            pickup = new PickupService(ports, configuration.SettingsOf("pickup"));
            running = Task.Run(() => pickup.RunAsync(stopping.Token));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (pickup is not null)
        {
            await pickup.DisposeAsync().ConfigureAwait(false);
        }

        if (showq is not null)
        {
            await showq.DisposeAsync().ConfigureAwait(false);
        }

        if (flush is not null)
        {
            await flush.DisposeAsync().ConfigureAwait(false);
        }

        stopping.Dispose();
    }
}
