using Microsoft.Win32.SafeHandles;
using Mta.Storage.Connections;

namespace Mta.Storage.Embedded;

/// <summary>
/// Somebody uses the embedded cluster: the daemon, or a command that ran while the daemon was down. The last to leave stops it.
/// </summary>
public sealed class ClusterUse : IDisposable
{
    private readonly EmbeddedCluster cluster;
    private readonly SafeFileHandle use;

    internal ClusterUse(EmbeddedCluster cluster, SafeFileHandle use, bool started)
    {
        this.cluster = cluster;
        this.use = use;
        Started = started;
        Database = cluster.Connect();
    }

    /// <summary>True when it did not run before.</summary>
    public bool Started { get; }

    public Database Database { get; }

    /// <summary>Stops the cluster, whoever else uses it: the daemon's way to leave.</summary>
    public void Stop()
    {
        cluster.Stop();
        use.Dispose();
    }

    /// <summary>Leaves it: a command's way. The lock goes with the process too, so that a killed user does not count.</summary>
    public void Dispose()
    {
        if (use.IsClosed)
        {
            return;
        }

        cluster.StopIfUnused(use);
        use.Dispose();
    }
}
