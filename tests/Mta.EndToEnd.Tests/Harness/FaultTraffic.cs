using Shouldly;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>
/// Mail into every node of a cluster at a modest pace while a scenario makes faults, with the books that say afterwards whether any was
/// lost, and whether more than what was in flight came twice.
/// </summary>
internal sealed class FaultTraffic : IAsyncDisposable
{
    /// <summary>Settings under which a scenario need not wait long for leases and for mail that was put off.</summary>
    public const string MainCf =
        """
        node_lease_time = 3s
        node_takeover_grace = 1s
        minimal_backoff_time = 1s
        maximal_backoff_time = 2s
        smtpd_error_sleep_time = 0
        smtpd_hard_error_limit = 1000
        """;

    // What is done is written away within 200 ms; the rest is for a machine that is busy with other tests.
    private static readonly TimeSpan WrittenWithin = TimeSpan.FromSeconds(4);

    private readonly MtaCluster cluster;
    private readonly Load[] loads;
    private readonly List<Killed> kills = [];

    private FaultTraffic(MtaCluster cluster, int sessions, TimeSpan pace, int size, string name)
    {
        this.cluster = cluster;
        loads = [.. cluster.Nodes.Select((node, i) => Load.Start(node, "a@elsewhere.test", sessions, $"{name}{i}.", pace, size))];
    }

    public IReadOnlyList<Load> Loads => loads;

    public int Accepted => loads.Sum(l => l.Accepted.Count);

    /// <param name="sessions">To each node.</param>
    /// <param name="name">Begins its subjects, where a scenario starts it more than once.</param>
    /// <param name="size">Of a message, in thousands of bytes.</param>
    public static FaultTraffic Start(MtaCluster cluster, int sessions = 3, int size = 1, string name = "n") =>
        new(cluster, sessions, TimeSpan.FromMilliseconds(50), size, name);

    /// <summary>Waits until these nodes, or all, have accepted so many more.</summary>
    public Task FlowsAsync(int more, CancellationToken cancellationToken, params int[] nodes)
    {
        var watched = nodes.Length > 0 ? [.. nodes.Select(n => loads[n])] : loads;
        var goals = watched.Select(l => l.Accepted.Count + more).ToArray();
        return Until.TrueAsync(
            () => watched.Zip(goals).All(pair => pair.First.Accepted.Count >= pair.Second),
            $"{string.Join(", ", nodes.Length > 0 ? nodes.Select(n => $"node{n}") : ["every node"])} accepts {more} more",
            cancellationToken);
    }

    /// <summary>Waits until a new client of the node hears a 4xx to MAIL, with this in it, or a 421 before.</summary>
    public Task RefusesAsync(int node, CancellationToken cancellationToken, string text = "") => Until.TrueAsync(
        async () =>
        {
            try
            {
                await using var client = await cluster.Nodes[node].ConnectAsync(cancellationToken);
                await client.ExpectAsync("EHLO client.test", "250", cancellationToken);
                var reply = await client.SayAsync("MAIL FROM:<sender@client.test>", cancellationToken);
                return reply.StartsWith('4') && reply.Contains(text, StringComparison.Ordinal);
            }
            catch (InvalidOperationException refused)
            {
                return refused.Message.Contains(": 421 ", StringComparison.Ordinal) && text.Length == 0;
            }
        },
        $"node{node} answers 4xx {text}",
        cancellationToken);

    /// <summary>kill -9 of a node, and what it was responsible for at that moment. It must not be started again, nor its mail taken over, before this ends.</summary>
    public async Task KillAsync(int node, CancellationToken cancellationToken)
    {
        var at = DateTime.UtcNow;
        cluster.Nodes[node].Kill();
        await NoteAsync(node, at, cancellationToken);
    }

    /// <summary>What a node is responsible for that has just lost its database, or was stopped: another one will deliver it.</summary>
    public Task NoteCutOffAsync(int node, CancellationToken cancellationToken) => NoteAsync(node, DateTime.UtcNow, cancellationToken);

    /// <summary>Waits until another node has ended the epoch that this one has now.</summary>
    public async Task TakenOverAsync(int node, CancellationToken cancellationToken) =>
        await Until.TrueAsync(
            () => cluster.ScalarAsync<bool>($"SELECT state = 'ended' FROM mta.node WHERE name = 'node{node}'", cancellationToken), $"node{node} is taken over", cancellationToken);

    private async Task NoteAsync(int node, DateTime at, CancellationToken cancellationToken)
    {
        var owned = await cluster.ColumnAsync<string>(
            $"SELECT a.message_id FROM mta_store.active a JOIN mta.node n USING (epoch) WHERE n.name = 'node{node}'", cancellationToken);
        kills.Add(new Killed(at, [.. owned.Select(id => id.Trim('<', '>').Split('@')[0])]));
    }

    public Task StopAsync() => Task.WhenAll(loads.Select(l => l.StopAsync()));

    /// <summary>
    /// After the load was stopped and the queue has run empty: everything with a 250 is at the sink, nothing was refused for good, and came
    /// twice only what was in flight at a kill, or was counted as a possible duplicate.
    /// </summary>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        await StopAsync();
        await cluster.WaitForEmptyQueueAsync(cancellationToken);
        loads.SelectMany(l => l.PermanentRefusals).ShouldBeEmpty();
        var arrived = cluster.Sink.Messages().ToLookup(m => m.Subject);
        loads.SelectMany(l => l.Accepted).Where(subject => !arrived.Contains(subject)).ShouldBeEmpty();

        var unexplained = new List<string>();
        foreach (var copies in arrived.Where(c => c.Count() > 1))
        {
            var explained = kills.Count(kill => kill.Owned.Contains(copies.Key));
            unexplained.AddRange(Enumerable.Repeat(copies.Key, Math.Max(0, copies.Count() - 1 - explained)));
        }

        var counted = await cluster.ScalarAsync<decimal>("SELECT sum(possible_duplicates) FROM mta.node", cancellationToken);
        unexplained.Count.ShouldBeLessThanOrEqualTo((int)counted, string.Join(' ', unexplained));

        // What was in flight had gone out only a moment before: a node that wrote nothing away would explain any number of duplicates.
        foreach (var kill in kills)
        {
            var stale = kill.Owned.Where(subject => arrived[subject].Any(m => m.ArrivedAt < kill.At - WrittenWithin));
            stale.ShouldBeEmpty();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var load in loads)
        {
            await load.DisposeAsync();
        }
    }

    private sealed record Killed(DateTime At, HashSet<string> Owned);
}
