using System.Globalization;
using Mta.Core.Config;

namespace Mta.Services.Nodes;

/// <summary>Times of the lease; see the parameters node_lease_time, node_heartbeat_interval and node_takeover_grace.</summary>
public sealed record LeaseTimes(TimeSpan Lease, TimeSpan Heartbeat, TimeSpan Grace)
{
    /// <summary>A lease has room for so many tries to renew it.</summary>
    private const int TriesInLease = 3;

    /// <summary>After it a heartbeat without an answer is given up and its connection broken off.</summary>
    public TimeSpan BeatLimit => Lease / TriesInLease;

    /// <summary>The times of a configuration; throws <see cref="SettingsException"/> with the reason when they do not go together.</summary>
    public static LeaseTimes From(Settings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var times = new LeaseTimes(
            settings.Get(Parameters.NodeLeaseTime), settings.Get(Parameters.NodeHeartbeatInterval), settings.Get(Parameters.NodeTakeoverGrace));
        return times.Heartbeat * TriesInLease <= times.Lease
            ? times
            : throw new SettingsException(string.Create(
                CultureInfo.InvariantCulture,
                $"node_heartbeat_interval ({times.Heartbeat.TotalSeconds} s) may be at most a third of node_lease_time ({times.Lease.TotalSeconds} s): one lost heartbeat must not cost the lease"));
    }
}
