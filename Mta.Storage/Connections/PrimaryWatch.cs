using System.Globalization;
using Npgsql;

namespace Mta.Storage.Connections;

/// <summary>
/// Which of several servers takes writes. Each is asked over a connection of its own, so that one that is dead without saying so (its
/// processes frozen, its sockets open) holds up nobody. Of those that take writes the one of the highest timeline counts, and none whose
/// timeline is lower than one that was seen: an old primary that comes back believes that it still is one, and what it is given is lost.
/// </summary>
internal sealed class PrimaryWatch : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // A server that is only busy answers within it: the question needs neither lock nor disk.
    private const int LimitSeconds = 2;

    private readonly Lock gate = new();
    private readonly Server[] servers;
    private readonly bool writable;
    private readonly CancellationTokenSource stopping = new();
    private Task[] following = [];
    private Action<string>? warn;
    private volatile int current = -1;
    private int highest;
    private int refused = -1;
    private volatile CancellationTokenSource moved = new();

    /// <param name="writable">As for target_session_attrs=read-write: the session, too, has to let us write.</param>
    public PrimaryWatch(IEnumerable<NpgsqlConnectionStringBuilder> servers, bool writable)
    {
        this.writable = writable;
        this.servers = [.. servers.Select(s => new Server(s, writable))];
    }

    /// <summary>The place of the primary in the list; the first one while none has been found.</summary>
    public int Current => Math.Max(0, current);

    /// <summary>Cancelled when the primary is another than now.</summary>
    public CancellationToken Moved => moved.Token;

    /// <summary>Told the place of the server that is no longer the primary.</summary>
    public event Action<int>? Left;

    /// <summary>Asks all servers once. False, with what they said, when none takes writes.</summary>
    public async Task<(bool Found, string Problem)> ChooseAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(servers.Select(s => AskAsync(s, cancellationToken))).ConfigureAwait(false);
        await MoveAsync().ConfigureAwait(false);
        foreach (var server in servers)
        {
            // Many a program asks only once.
            _ = server.Probe.EndAsync(Task.CompletedTask);
            server.Probe = new PrimaryProbe(server.Source, writable);
        }

        return (current >= 0, "no database host takes writes: " + string.Join("; ", servers.Select(s => $"{s.Name} {s.Answer}")));
    }

    /// <summary>Asks each server every second from now on, until disposed.</summary>
    /// <param name="warning">Takes what an administrator should know: another server is the primary, or an old one believes to be it.</param>
    public void Follow(Action<string> warning)
    {
        warn = warning;
        following = [.. servers.Select(s => Task.Run(() => FollowAsync(s)))];
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(following).ConfigureAwait(false);
        foreach (var server in servers)
        {
            await server.DisposeAsync().ConfigureAwait(false);
        }

        stopping.Dispose();
    }

    private async Task FollowAsync(Server server)
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token).ConfigureAwait(false))
            {
                await AskAsync(server, stopping.Token).ConfigureAwait(false);
                await MoveAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private async Task AskAsync(Server server, CancellationToken cancellationToken)
    {
        var asking = server.Probe.AskAsync();
        try
        {
            server.Timeline = await asking.WaitAsync(TimeSpan.FromSeconds(LimitSeconds), cancellationToken).ConfigureAwait(false);
            server.Answer = server.Timeline > 0 ? string.Create(CultureInfo.InvariantCulture, $"writes timeline {server.Timeline}") : "is a standby or read-only";
        }
        catch (Exception e) when (StorageErrors.IsDatabaseFailure(e) || e is OperationCanceledException or InvalidOperationException)
        {
            server.Timeline = 0;
            server.Answer = e is TimeoutException ? "does not answer" : $"fails: {e.Message}";
            _ = server.Probe.EndAsync(asking);
            server.Probe = new PrimaryProbe(server.Source, writable);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private async ValueTask MoveAsync()
    {
        int before;
        int now;
        CancellationTokenSource? ended;
        lock (gate)
        {
            highest = Math.Max(highest, servers.Max(s => s.Timeline));
            before = current;
            now = Best();
            WarnOfOldPrimary(now);
            if (now < 0 || now == before)
            {
                return;
            }

            current = now;
            (ended, moved) = (moved, new CancellationTokenSource());
        }

        if (before >= 0)
        {
            warn?.Invoke($"the database's primary is {servers[now].Name} now (timeline {highest.ToString(CultureInfo.InvariantCulture)}), no longer {servers[before].Name}");
            Left?.Invoke(before);
        }

        await ended.CancelAsync().ConfigureAwait(false);
    }

    // While two write the same timeline (a name and an address of one server) the one in use stays.
    private int Best()
    {
        var best = -1;
        for (var i = 0; i < servers.Length; i++)
        {
            if (servers[i].Timeline > 0 && servers[i].Timeline == highest && (best < 0 || i == current))
            {
                best = i;
            }
        }

        return best;
    }

    private void WarnOfOldPrimary(int best)
    {
        var old = Array.FindIndex(servers, s => s.Timeline > 0 && s.Timeline < highest);
        if (old != refused)
        {
            refused = old;
            if (old >= 0)
            {
                warn?.Invoke(string.Create(
                    CultureInfo.InvariantCulture,
                    $"database host {servers[old].Name} takes writes on timeline {servers[old].Timeline}, but timeline {highest} has been seen: it is not used. {(best < 0 ? "If it is to be, restart the mail system" : "Make it a standby")}"));
            }
        }
    }

    private sealed class Server : IAsyncDisposable
    {
        public Server(NpgsqlConnectionStringBuilder server, bool writable)
        {
            Name = string.Create(CultureInfo.InvariantCulture, $"{server.Host}:{server.Port}");
            var settings = new NpgsqlConnectionStringBuilder(server.ConnectionString)
            {
                Pooling = false,
                Timeout = LimitSeconds,
                CommandTimeout = LimitSeconds,
                CancellationTimeout = -1,
                ApplicationName = "mta primary",
            };
            Source = new NpgsqlDataSourceBuilder(settings.ConnectionString).ConfigureTypeLoading(t => t.EnableTypeLoading(false)).Build();
            Probe = new PrimaryProbe(Source, writable);
        }

        public string Name { get; }

        public NpgsqlDataSource Source { get; }

        public PrimaryProbe Probe { get; set; }

        /// <summary>0 while it takes no writes.</summary>
        public int Timeline { get; set; }

        public string Answer { get; set; } = "was not asked";

        public async ValueTask DisposeAsync()
        {
            await Probe.EndAsync(Task.CompletedTask).ConfigureAwait(false);
            await Source.DisposeAsync().ConfigureAwait(false);
        }
    }
}
