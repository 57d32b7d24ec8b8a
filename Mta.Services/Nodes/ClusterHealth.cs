using System.Globalization;
using Mta.Core.Config;
using Mta.Storage.Nodes;

namespace Mta.Services.Nodes;

/// <summary>What is wrong, for the exit code of <c>postfix status -v</c>.</summary>
public static class ClusterHealth
{
    /// <summary>One line for each problem of this node's lease and of the queues; none when all is well.</summary>
    public static IReadOnlyList<string> Problems(ClusterStatus status, string node, Settings settings)
    {
        ArgumentNullException.ThrowIfNull(status);
        ArgumentNullException.ThrowIfNull(settings);
        var problems = new List<string>();
        switch (status.Find(node))
        {
            case null:
                problems.Add($"node {node} has no lease: it is not in the list of nodes");
                break;
            case { LeaseLeft: null }:
                problems.Add($"node {node} has no lease: its epoch has ended");
                break;
            case { State: "expired", LeaseLeft: { } left }:
                problems.Add(string.Create(CultureInfo.InvariantCulture, $"node {node} has no lease: it ended {-left.TotalSeconds:0} s ago and was not renewed"));
                break;
        }

        AddOld("incoming", Parameters.HealthIncomingAgeLimit, "no node takes it");
        AddOld("active", Parameters.HealthActiveAgeLimit, "its deliveries do not end");
        return problems;

        void AddOld(string name, Parameter<TimeSpan> parameter, string meaning)
        {
            var limit = settings.Get(parameter);
            if (limit > TimeSpan.Zero && status.Queues.FirstOrDefault(q => q.Name == name)?.OldestUntried is { } age && age > limit)
            {
                problems.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"the oldest new message in {name} is {(long)age.TotalSeconds} s old, more than {parameter.Name} = {(long)limit.TotalSeconds} s: {meaning}"));
            }
        }
    }
}
