using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Mta.Services.Net;
using Mta.Services.Scache;
using Mta.Services.Tls;

namespace Mta.Services.Smtp;

/// <summary>
/// Open sessions by host, and for each next hop the host that was best for it: so that a burst for one destination asks no name server,
/// and domains that share a mail exchanger share its connections.
/// </summary>
internal sealed class SessionCache : IDisposable
{
    private readonly DeadlineSweeper sweeper;
    private readonly ConnectionCache<Key, SmtpSession> sessions;
    private readonly ConcurrentDictionary<Key, Route> routes = [];
    private long nextCleaning;

    public SessionCache(DeadlineSweeper sweeper)
    {
        this.sweeper = sweeper;
        sessions = new ConnectionCache<Key, SmtpSession>(sweeper);
    }

    /// <summary>A session to the best host of a next hop.</summary>
    public bool TryTake(string nexthop, ClientOptions options, [MaybeNullWhen(false)] out SmtpSession session)
    {
        session = null;
        return routes.TryGetValue(new Key(nexthop, options), out var route)
            && route.Until > sweeper.Time.GetTimestamp()
            && Take(route.Host, out session);
    }

    /// <summary>A session to a host, whoever it was opened for.</summary>
    public bool TryTake(HostAddress host, string nexthop, ClientOptions options, [MaybeNullWhen(false)] out SmtpSession session) =>
        Take(HostKey(host, nexthop, options), out session);

    /// <summary>Keeps a session that is in order and within its limits; closes any other.</summary>
    /// <param name="bestFor">The next hop whose best host it leads to; null when it leads to a lesser one.</param>
    public void Put(SmtpSession session, string? bestFor)
    {
        var options = session.Options;
        if (session.IsDead
            || options.CacheTimeLimit <= TimeSpan.Zero
            || (options.ReuseCountLimit > 0 && session.UseCount >= options.ReuseCountLimit)
            || sweeper.Time.GetElapsedTime(session.ConnectedAt) >= options.ReuseTimeLimit)
        {
            session.Leave();
            return;
        }

        var key = HostKey(session.Host, session.Nexthop, options);
        if (bestFor is not null)
        {
            Remember(new Key(bestFor, options), key, options.ReuseTimeLimit);
        }

        session.Connection.ClearDeadline();
        sessions.Keep(key, session, options.CacheTimeLimit);
    }

    /// <summary>Closes the sessions that wait at the best host of a next hop.</summary>
    public void Close(string nexthop)
    {
        foreach (var (key, route) in routes)
        {
            if (key.Name.Equals(nexthop, StringComparison.OrdinalIgnoreCase))
            {
                sessions.Close(route.Host);
            }
        }
    }

    public void Dispose() => sessions.Dispose();

    /// <summary>What the DNS said is believed for as long as a connection made upon it may be used, and not renewed by use.</summary>
    private void Remember(Key nexthop, Key host, TimeSpan limit)
    {
        var now = sweeper.Time.GetTimestamp();
        if (routes.TryGetValue(nexthop, out var known) && known.Host == host && known.Until > now)
        {
            return;
        }

        routes[nexthop] = new Route(host, sweeper.After(limit));
        var next = Volatile.Read(ref nextCleaning);
        if (now < next || Interlocked.CompareExchange(ref nextCleaning, sweeper.After(TimeSpan.FromSeconds(10)), next) != next)
        {
            return;
        }

        foreach (var (key, route) in routes)
        {
            if (route.Until <= now)
            {
                routes.TryRemove(key, out _);
            }
        }
    }

    private bool Take(Key key, [MaybeNullWhen(false)] out SmtpSession session)
    {
        if (!sessions.TryTake(key, out session))
        {
            return false;
        }

        session.UseCount++;
        return true;
    }

    /// <summary>A certificate that was verified was verified for one next hop.</summary>
    private static Key HostKey(HostAddress host, string nexthop, ClientOptions options) =>
        new(options.Tls.Level >= TlsLevel.Verify ? $"{host.Relay} {nexthop}" : host.Relay, options);

    /// <summary>Of one snapshot of the configuration only: security level and names were agreed on with the server.</summary>
    private readonly record struct Key(string Name, ClientOptions Options);

    private sealed record Route(Key Host, long Until);
}
