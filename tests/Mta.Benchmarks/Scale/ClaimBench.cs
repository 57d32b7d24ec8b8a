using System.Diagnostics;
using Mta.Storage.Connections;
using Mta.Storage.Nodes;
using Mta.Storage.Queue;

namespace Mta.Benchmarks.Scale;

/// <summary>
/// Claims batches as a node does, over the program's own statements and under an epoch of its own, beside the server: mail of destinations that
/// are due in this bench's eyes only. What was claimed is deleted afterwards.
/// </summary>
internal sealed class ClaimBench(QueueDatabase database, string connectionString, Verdicts verdicts)
{
    private const int BatchMessages = QueueReader.DeferredBatchMessages;
    private const int WarmUp = 3;

    /// <param name="destination">Its mail is made due, and claimed batch by batch.</param>
    /// <param name="name">What the figures are called.</param>
    public async Task RunAsync(string destination, int batches, string name, CancellationToken cancellationToken)
    {
        // Mail of the big one is due already.
        await database.ExecuteAsync(
            $"UPDATE mta_store.deferred SET due_at = now() - interval '1 s' WHERE id = ANY (ARRAY(SELECT id FROM mta_store.deferred WHERE destination = '{destination}' AND due_at > now() LIMIT {(batches * BatchMessages) + WarmUp}))",
            cancellationToken).ConfigureAwait(false);
        await using var source = Database.Connect(connectionString).CreateDataSource(DatabaseRole.Daemon, "benchmark", 4, QueueDataSource.Configure);
        var reader = new QueueReader(source);
        var registry = new NodeRegistry(source);
        var identity = new NodeIdentity("benchmark", Guid.NewGuid().ToString("N"), Environment.MachineName, Environment.ProcessId, "0.1.0");
        var epoch = await registry.BeginAsync(identity, TimeSpan.FromMinutes(30), cancellationToken).ConfigureAwait(false)
            ?? throw new BenchmarkException("the node name benchmark is in use");

        // Connections are opened and statements prepared before anything counts.
        for (var i = 0; i < WarmUp; i++)
        {
            await reader.ClaimDeferredAsync(epoch, destination, 1, cancellationToken).ConfigureAwait(false);
        }

        var times = new List<double>();
        var claimed = 0;
        for (var i = 0; i < batches; i++)
        {
            var start = Stopwatch.GetTimestamp();
            var messages = await reader.ClaimDeferredAsync(epoch, destination, BatchMessages, cancellationToken).ConfigureAwait(false);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            claimed += messages.Count;
        }

        await database.ExecuteAsync(
            $"""
            WITH gone AS (DELETE FROM mta_store.active WHERE epoch = {epoch.Epoch} RETURNING id),
            r AS (DELETE FROM mta_store.recipient r USING gone WHERE r.message_id = gone.id)
            DELETE FROM mta_store.content c USING gone WHERE c.message_id = gone.id
            """,
            cancellationToken).ConfigureAwait(false);
        await registry.EndAsync(epoch, cancellationToken).ConfigureAwait(false);
        await database.ExecuteAsync("DELETE FROM mta.node WHERE name = 'benchmark'", cancellationToken).ConfigureAwait(false);
        times.Sort();
        verdicts.AtLeast($"{name}: messages a batch", (double)claimed / batches, BatchMessages, "msg");
        verdicts.AtMost($"{name}: claim with its reads and commit, median", Statistics.Median(times), 20, "ms");
        verdicts.AtMost($"{name}: the same, 95th percentile", times[(int)(times.Count * 0.95)], 20, "ms");
        verdicts.Note($"{name}: the longest", times[^1], "ms");
    }
}
