using System.Globalization;
using Mta.Storage.Nodes;

namespace Mta.Tools;

/// <summary>What <c>postfix status -v</c> prints: nodes and queues as tables, then the health.</summary>
internal static class StatusText
{
    private static readonly string[] NodeHeads =
        ["node", "host", "state", "version", "lease left", "heartbeat age", "active", "deliveries", "possible duplicates", "reject rows lost"];

    private static readonly string[] QueueHeads = ["queue", "messages", "oldest"];

    public static async Task WriteAsync(Terminal terminal, ClusterStatus status, string thisNode, TimeSpan took, CancellationToken cancellationToken)
    {
        await LineAsync(terminal, string.Create(
            CultureInfo.InvariantCulture, $"database: reachable, answered in {took.TotalMilliseconds:0} ms, schema version {status.SchemaVersion}"), cancellationToken).ConfigureAwait(false);
        await TableAsync(terminal, NodeHeads, status.Nodes.Select(n => Row(n, thisNode)), 4, cancellationToken).ConfigureAwait(false);
        await TableAsync(terminal, QueueHeads, status.Queues.Select(Row), 1, cancellationToken).ConfigureAwait(false);
    }

    public static async Task WriteHealthAsync(Terminal terminal, IReadOnlyList<string> problems, CancellationToken cancellationToken)
    {
        if (problems.Count == 0)
        {
            await LineAsync(terminal, "health: ok", cancellationToken).ConfigureAwait(false);
        }

        foreach (var problem in problems)
        {
            await LineAsync(terminal, "health: problem: " + problem, cancellationToken).ConfigureAwait(false);
        }
    }

    private static string[] Row(NodeStatus node, string thisNode) =>
    [
        node.Name == thisNode ? node.Name + " (this)" : node.Name,
        node.Host,
        node.State + (node.Drained && node.State != "drained" ? ", drained" : "") + (node.Delivers ? "" : ", only receives"),
        node.Version,
        node.LeaseLeft is { } left ? Seconds(left) : "-",
        Seconds(node.HeartbeatAge),
        Number(node.ActiveMessages),
        Number(node.Deliveries),
        Number(node.PossibleDuplicates),
        Number(node.RejectsLost),
    ];

    private static string[] Row(QueueStatus queue) =>
        [queue.Name, (queue.IsEstimate ? "about " : "") + Number(queue.Messages), queue.Oldest is { } age ? Seconds(age) : "-"];

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s");

    /// <summary>Columns from <paramref name="firstNumber"/> on are numbers, at the right.</summary>
    private static async Task TableAsync(Terminal terminal, string[] heads, IEnumerable<string[]> rows, int firstNumber, CancellationToken cancellationToken)
    {
        string[][] all = [heads, .. rows];
        var widths = Enumerable.Range(0, heads.Length).Select(i => all.Max(r => r[i].Length)).ToArray();
        await LineAsync(terminal, "", cancellationToken).ConfigureAwait(false);
        foreach (var row in all)
        {
            var cells = row.Select((cell, i) => i < firstNumber ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]));
            await LineAsync(terminal, string.Join("  ", cells).TrimEnd(), cancellationToken).ConfigureAwait(false);
        }
    }

    private static Task LineAsync(Terminal terminal, string line, CancellationToken cancellationToken) =>
        terminal.Out.WriteLineAsync(line.AsMemory(), cancellationToken);
}
