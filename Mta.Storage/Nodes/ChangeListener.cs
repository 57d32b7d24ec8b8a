using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Nodes;

/// <summary>What is told by NOTIFY: only that there is something to look at. Who misses it finds it by polling.</summary>
public static class Channels
{
    /// <summary>Administrators ask something of mail that nodes own, or suspended or resumed something.</summary>
    public const string Request = "mta_request";

    /// <summary>Deferred mail was made due.</summary>
    public const string Flush = "mta_flush";

    /// <summary>Mail came to incoming that nobody owns.</summary>
    public const string Queue = "mta_queue";

    /// <summary>A lookup table changed.</summary>
    public const string Lookup = "mta_lookup";

    public static IReadOnlyList<string> All { get; } = [Request, Flush, Queue, Lookup];
}

/// <summary>
/// Hears notifications, on one connection of its own. It makes things quicker and nothing depends on it: while it has no connection, other
/// work goes on by its polls.
/// </summary>
/// <param name="source">One connection.</param>
/// <param name="heard">Called with a channel on which something came; with all of them after a connection was made, for what came before.</param>
public sealed class ChangeListener(DatabasePool source, Action<string> heard, TimeProvider time) : IAsyncDisposable
{
    /// <summary>What comes within it is passed on at once as one: many notifications cost no more than a few.</summary>
    private static readonly TimeSpan GatherTime = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource stopping = new();
    private Task running = Task.CompletedTask;

    public void Start() => running = Task.Run(RunAsync);

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(false);
        stopping.Dispose();
    }

    private async Task RunAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token, source.Moved);
                await ListenAsync(either.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (OperationCanceledException)
            {
                // Another server has become the primary.
            }
            catch (Exception e) when (StorageErrors.IsDatabaseFailure(e) || e is InvalidOperationException)
            {
                // That the database is away is said by those who need it.
                await Task.Delay(RetryDelay, time, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        var told = new HashSet<string>(Channels.All, StringComparer.Ordinal);
        connection.Notification += (_, e) => told.Add(e.Channel);
        await using (var listen = new NpgsqlCommand(string.Concat(Channels.All.Select(c => $"LISTEN {c};")), connection))
        {
            await listen.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }

        while (true)
        {
            foreach (var channel in told)
            {
                heard(channel);
            }

            told.Clear();
            await connection.WaitAsync(cancellationToken).ConfigureAwait(false);
            await Task.Delay(GatherTime, time, cancellationToken).ConfigureAwait(false);
        }
    }
}
