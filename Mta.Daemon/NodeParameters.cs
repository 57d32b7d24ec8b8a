using Mta.Core.Config;
using Mta.Services.Clients;
using Mta.Services.Configuration;
using Mta.Storage;
using Mta.Storage.Configuration;
using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Daemon;

/// <summary>
/// The values of <c>mta.parameter</c> for this node: puts them under those of the files, and notices when they change, by asking for one
/// number twice a second. A value that is no good is left out: the one before it stays, or that of the files; the log and
/// <c>mta.parameter_problem</c> say so.
/// </summary>
internal sealed class NodeParameters : IAsyncDisposable
{
    private const string Tag = "master";

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    /// <summary>What is made once for the life of the services.</summary>
    private static readonly string[] NeedRestart = ["queue_accept_connections", "queue_complete_connections"];

    private readonly DatabasePool source;
    private readonly ParameterStore store;
    private readonly string node;
    private readonly MailLog log;
    private readonly CancellationTokenSource stopping = new();
    private readonly HashSet<string> said = new(StringComparer.Ordinal);
    private long seen = -1;
    private Task watching = Task.CompletedTask;

    public NodeParameters(Database database, string node, MailLog log)
    {
        source = database.CreateDataSource(DatabaseRole.Daemon, "parameter", 1);
        store = new ParameterStore(source);
        this.node = node;
        this.log = log;
    }

    /// <summary>The values that are in use.</summary>
    public StoredValues Current { get; private set; } = StoredValues.None;

    /// <summary>The settings of the files with the values that the database has now. Throws <see cref="StorageException"/> while it has never been read.</summary>
    public async Task<Settings> ApplyAsync(LoadedConfiguration files, CancellationToken cancellationToken)
    {
        ParameterSnapshot snapshot;
        try
        {
            snapshot = await store.ReadAsync(node, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e) when (seen >= 0)
        {
            log.Warning(Tag, $"mta.parameter cannot be read, the values that are known stay: {e.Message}");
            snapshot = new ParameterSnapshot(seen, Current);
        }

        var result = StoredParameterCheck.Apply(files.Settings!, files.Services, snapshot.Values, Current);
        Interlocked.Exchange(ref seen, snapshot.Version);
        Say(result.Problems);
        await ReportAsync(result.Problems, cancellationToken).ConfigureAwait(false);
        await PublishAsync(result.Settings, cancellationToken).ConfigureAwait(false);
        return result.Settings;
    }

    /// <summary>The settings are in use from now on.</summary>
    public void Taken(Settings settings)
    {
        var before = Current.Values;
        Current = settings.Stored;
        var changed = Current.Values.Where(v => before.GetValueOrDefault(v.Key) != v.Value).Select(v => v.Key)
            .Concat(before.Keys.Where(n => !Current.Values.ContainsKey(n))).Where(n => settings.IsStored(n) || !settings.IsSet(n)).Order(StringComparer.Ordinal).ToList();
        if (changed.Count > 0)
        {
            log.Info(Tag, $"parameters taken from SQL: {string.Join(", ", changed)}");
        }

        foreach (var name in changed.Intersect(watching.IsCompleted ? [] : NeedRestart))
        {
            log.Warning(Tag, $"to change {name}, stop and start the mail system");
        }
    }

    /// <summary>The services cannot work with these values, although each by itself looked good; those before them stay.</summary>
    public async Task RefusedAsync(Settings settings, string reason, CancellationToken cancellationToken)
    {
        var rows = settings.Stored.Rows.Values.Where(r => Current.Values.GetValueOrDefault(r.Name) != r.Value).Select(r => (r, reason)).ToList();
        Say(rows);
        await ReportAsync(rows, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Calls <paramref name="changed"/> whenever the table has changed, and again until somebody has read it.</summary>
    public void Watch(Action changed) => watching = Task.Run(() => WatchAsync(changed));

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await watching.ConfigureAwait(false);
        await source.DisposeAsync().ConfigureAwait(false);
        stopping.Dispose();
    }

    private async Task WatchAsync(Action changed)
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token).ConfigureAwait(false))
            {
                try
                {
                    if (await store.ReadVersionAsync(stopping.Token).ConfigureAwait(false) != Interlocked.Read(ref seen))
                    {
                        changed();
                    }
                }
                catch (StorageException)
                {
                    // The heartbeat has said it; what was changed meanwhile is seen as soon as the database is back.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private void Say(IReadOnlyList<(StoredParameter Row, string Problem)> problems)
    {
        foreach (var (row, problem) in problems)
        {
            if (said.Add(problem))
            {
                log.Warning(Tag, $"mta.parameter{(row.Node is null ? "" : $" (node {row.Node})")}: {problem}; the value before it stays");
            }
        }

        said.IntersectWith(problems.Select(p => p.Problem));
    }

    /// <summary>mta.submit refuses what this node would.</summary>
    private async Task PublishAsync(Settings settings, CancellationToken cancellationToken)
    {
        try
        {
            await store.PublishSizeLimitAsync(node, settings.Get(Parameters.MessageSizeLimit), cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            log.Warning(Tag, $"the message_size_limit of this node cannot be written for mta.submit: {e.Message}");
        }
    }

    private async Task ReportAsync(IReadOnlyList<(StoredParameter Row, string Problem)> problems, CancellationToken cancellationToken)
    {
        try
        {
            await store.ReportAsync(node, problems, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            log.Warning(Tag, $"mta.parameter_problem cannot be written: {e.Message}");
        }
    }
}
