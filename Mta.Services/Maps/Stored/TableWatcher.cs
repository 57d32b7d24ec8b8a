using Mta.Storage.Maps;

namespace Mta.Services.Maps.Stored;

/// <summary>
/// Asks the database for the versions of all stored tables in use, by one small statement, three times a second: so a change that was committed
/// anywhere counts within a second. Whoever hears the notification <c>mta_lookup</c> may <see cref="Poke"/> it to be faster.
/// </summary>
internal sealed class TableWatcher(LookupStore store, TimeProvider time, Action<string> warn) : IAsyncDisposable
{
    /// <summary>A second less what a round may take on a node and a database that have much to do.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(300);

    /// <summary>Of one round: on a connection that is dead nothing would be seen until its commands time out.</summary>
    private static readonly TimeSpan RoundLimit = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource stop = new();
    private readonly SemaphoreSlim wake = new(0, 1);
    private readonly Lock gate = new();
    private IWatchedTable[] tables = [];
    private string[] names = [];
    private bool failing;
    private Task? loop;

    public IReadOnlyList<IWatchedTable> Tables => tables;

    /// <summary>Begins to watch a table, in the place of one that it follows.</summary>
    public void Watch(IWatchedTable table, IWatchedTable? inPlaceOf = null)
    {
        lock (gate)
        {
            tables = [.. tables.Where(t => t != inPlaceOf), table];
            names = Array.ConvertAll(tables, t => t.Name);
        }
    }

    /// <summary>Starts the loop; once.</summary>
    public void Start() => loop ??= Task.Run(LoopAsync);

    /// <summary>Asks at once.</summary>
    public void Poke()
    {
        lock (gate)
        {
            if (wake.CurrentCount == 0)
            {
                wake.Release();
            }
        }
    }

    /// <summary>One round. Failures are warned of once, and leave the tables as they are.</summary>
    public async Task PollAsync(CancellationToken cancellationToken)
    {
        IWatchedTable[] watched;
        string[] asked;
        lock (gate)
        {
            (watched, asked) = (tables, names);
        }

        if (watched.Length == 0)
        {
            return;
        }

        Exception? failure = null;
        try
        {
            var versions = await store.ReadVersionsAsync(asked, cancellationToken).ConfigureAwait(false);
            foreach (var table in watched)
            {
                try
                {
                    await table.RefreshAsync(Find(versions, table.Name), cancellationToken).ConfigureAwait(false);
                }
                catch (Exception e) when (e is not OperationCanceledException || !stop.IsCancellationRequested)
                {
                    // One that cannot be read must not keep the others from being seen.
                    failure = e;
                }
            }
        }
        catch (Exception e) when (e is not OperationCanceledException || !stop.IsCancellationRequested)
        {
            // Also what must not happen: a watcher that ends would let tables grow old in silence.
            failure = e;
        }

        if (failure is not null && !failing)
        {
            warn($"cannot see changes of lookup tables: {failure.Message}");
        }

        failing = failure is not null;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        if (loop is not null)
        {
            await loop.ConfigureAwait(false);
        }

        stop.Dispose();
        wake.Dispose();
    }

    private static StoredTableVersion? Find(List<StoredTableVersion> versions, string name)
    {
        foreach (var version in versions)
        {
            if (version.Name == name)
            {
                return version;
            }
        }

        return null;
    }

    private async Task LoopAsync()
    {
        try
        {
            while (true)
            {
                using (var sleep = new CancellationTokenSource(Interval, time))
                using (var either = CancellationTokenSource.CreateLinkedTokenSource(sleep.Token, stop.Token))
                {
                    try
                    {
                        await wake.WaitAsync(either.Token).ConfigureAwait(false);
                    }
                    catch (OperationCanceledException) when (!stop.IsCancellationRequested)
                    {
                        // The interval is over.
                    }
                }

                using (var limit = new CancellationTokenSource(RoundLimit, time))
                using (var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stop.Token))
                {
                    await PollAsync(either.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }
}
