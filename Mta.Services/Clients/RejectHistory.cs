using Mta.Core.Smtp;
using Mta.Storage;
using Mta.Storage.History;

namespace Mta.Services.Clients;

/// <summary>
/// Rejected SMTP commands on their way into the history, off the path of the sessions: they are collected in memory and written about
/// once a second. A flood is counted: beyond a number of single rows, what differs only in addresses is one entry with a count, and
/// beyond a number of those commands are counted as lost. What cannot be written is lost too: the log line has it.
/// </summary>
public sealed class RejectHistory : IAsyncDisposable
{
    /// <summary>Rows of single commands in a batch.</summary>
    public const int SingleLimit = 200;

    /// <summary>All rows of a batch.</summary>
    public const int EntryLimit = 1000;

    private const int ReasonLimit = 300;
    private const int NameLimit = 320;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly RejectStore store;
    private readonly string node;
    private readonly TimeProvider time;
    private readonly CancellationTokenSource stopping = new();
    private readonly Dictionary<(string Client, int Code, string Command, string Reason), int> flood = [];
    private List<RejectRecord> entries = [];
    private long lost;
    private Task writing = Task.CompletedTask;

    public RejectHistory(RejectStore store, string node, TimeProvider time)
    {
        this.store = store;
        this.node = node;
        this.time = time;
    }

    /// <summary>Commands of which the history has nothing: too many different ones at once, or no database.</summary>
    public long Lost => Interlocked.Read(ref lost);

    public void Start() => writing = WriteAsync();

    /// <summary>Takes one rejected command; never waits and never fails.</summary>
    /// <param name="isWarning">The log has a warning of it, not a line with <c>reject:</c>.</param>
    public void Add(
        string queueId, string command, string clientName, string clientAddress, string? helo, string? sender, string? recipient, ServerReply reply,
        bool isWarning = false)
    {
        ArgumentNullException.ThrowIfNull(reply);
        var (dsn, reason) = Split(reply.Text);
        var record = new RejectRecord(
            queueId, command, clientName, clientAddress, Cut(helo), Cut(sender), Cut(recipient), reply.Code, dsn, reason.Length > ReasonLimit ? reason[..ReasonLimit] : reason, 1,
            isWarning);
        lock (gate)
        {
            if (entries.Count < SingleLimit)
            {
                entries.Add(record);
                return;
            }

            var key = (clientAddress, reply.Code, command, record.Reason);
            if (flood.TryGetValue(key, out var at))
            {
                entries[at] = entries[at] with { Count = entries[at].Count + 1 };
            }
            else if (entries.Count < EntryLimit)
            {
                flood[key] = entries.Count;
                entries.Add(record);
            }
            else
            {
                Interlocked.Increment(ref lost);
            }
        }
    }

    /// <summary>Writes what has been collected.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        List<RejectRecord> batch;
        lock (gate)
        {
            if (entries.Count == 0)
            {
                return;
            }

            batch = entries;
            entries = [];
            flood.Clear();
        }

        try
        {
            await store.WriteAsync(node, batch, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is StorageException or OperationCanceledException)
        {
            Interlocked.Add(ref lost, batch.Sum(r => (long)r.Count));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await writing.ConfigureAwait(false);
        stopping.Dispose();
    }

    private async Task WriteAsync()
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token).ConfigureAwait(false))
            {
                await FlushAsync(stopping.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // What came in the last second is written when the database is there.
            using var limit = new CancellationTokenSource(Interval, time);
            await FlushAsync(limit.Token).ConfigureAwait(false);
        }
    }

    private static string? Cut(string? text) => text is { Length: > NameLimit } ? text[..NameLimit] : text;

    /// <summary>The enhanced code, and the text after it without <c>&lt;address&gt;: </c>, so that equal reasons are equal.</summary>
    private static (string Dsn, string Reason) Split(string reply)
    {
        var text = reply.AsSpan(Math.Min(4, reply.Length));
        var dsn = "";
        if (text.IndexOf(' ') is > 0 and var end && char.IsAsciiDigit(text[0]) && text[..end].Count('.') == 2)
        {
            dsn = text[..end].ToString();
            text = text[(end + 1)..];
        }

        if (text.StartsWith("<") && text.IndexOf(">: ") is > 0 and var subject)
        {
            text = text[(subject + 3)..];
        }

        return (dsn, text.ToString());
    }
}
