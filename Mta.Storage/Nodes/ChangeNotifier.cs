using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Nodes;

/// <summary>
/// Tells other nodes that mail came to incoming, a few times a second at most and never in a transaction that accepts mail: a commit with a
/// notification waits for all others of its kind.
/// </summary>
public sealed class ChangeNotifier(DatabasePool source, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource stopping = new();
    private Task sending = Task.CompletedTask;
    private int pending;

    /// <summary>False sends nothing: nobody may be listening.</summary>
    public bool IsOn { get; set; } = true;

    /// <summary>Soon, and once for all calls until then.</summary>
    public void MailForAnybody()
    {
        if (IsOn && Interlocked.Exchange(ref pending, 1) == 0)
        {
            sending = SendAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await sending.ConfigureAwait(false);
        stopping.Dispose();
    }

    private async Task SendAsync()
    {
        try
        {
            await Task.Delay(Interval, time, stopping.Token).ConfigureAwait(false);
            Volatile.Write(ref pending, 0);
            await using var command = source.CreateCommand(NodeSql.Notify);
            command.Parameters.AddWithValue(Channels.Queue);
            await command.ExecuteNonQueryAsync(stopping.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (StorageErrors.IsDatabaseFailure(e) || e is OperationCanceledException)
        {
            // They find the mail by their polls.
        }
    }
}
