using Mta.Services.Pickup;
using Mta.Storage.Maildrop;

namespace Mta.Daemon;

/// <summary>The services of a node that commands on the same host talk to.</summary>
internal sealed class LocalServices : IAsyncDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly PickupService? pickup;
    private readonly Task running = Task.CompletedTask;

    public LocalServices(NodeConfiguration configuration, PickupPorts ports)
    {
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

        stopping.Dispose();
    }
}
