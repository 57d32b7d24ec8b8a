using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Mta.Services.Net;

namespace Mta.Services.Scache;

/// <summary>A connection that can wait for its next use.</summary>
public interface IIdleConnection
{
    /// <summary>False when the peer has closed it, or said something while nobody asked.</summary>
    bool IsQuiet { get; }

    /// <summary>Takes leave of the peer and frees the connection; never blocks.</summary>
    void Leave();
}

/// <summary>
/// scache(8), within the process: idle connections by destination. Any number of deliveries share it. The one used last is given out
/// first, so that as few as the load needs stay open, and a connection that nobody took for a time is closed.
/// </summary>
/// <typeparam name="TKey">What a connection must have in common with the request: destination, settings, security.</typeparam>
public sealed class ConnectionCache<TKey, TConnection> : ISweepable, IDisposable
    where TKey : notnull
    where TConnection : class, IIdleConnection
{
    /// <summary>Idle connections cost a descriptor on both sides; the default limit of descriptors of a process is 1024.</summary>
    private const int MostIdle = 500;

    private readonly Lock gate = new();
    private readonly Dictionary<TKey, List<Entry>> idle = [];
    private readonly DeadlineSweeper sweeper;
    private int count;
    private bool swept;
    private bool disposed;

    public ConnectionCache(DeadlineSweeper sweeper) => this.sweeper = sweeper;

    /// <summary>Connections that wait.</summary>
    public int Count => Volatile.Read(ref count);

    /// <summary>Takes over a connection for at most <paramref name="limit"/>.</summary>
    public void Keep(TKey key, TConnection connection, TimeSpan limit)
    {
        bool kept;
        var wakes = false;
        lock (gate)
        {
            kept = !disposed && count < MostIdle;
            if (kept)
            {
                ref var stack = ref CollectionsMarshal.GetValueRefOrAddDefault(idle, key, out _);
                (stack ??= []).Add(new Entry(connection, sweeper.After(limit)));
                count++;
                wakes = !swept;
                swept = true;
            }
        }

        // The sweeper calls us under its own lock, so it is never called under ours.
        if (wakes)
        {
            sweeper.Add(this);
        }

        if (!kept)
        {
            connection.Leave();
        }
    }

    /// <summary>An idle connection, now the caller's.</summary>
    public bool TryTake(TKey key, [MaybeNullWhen(false)] out TConnection connection)
    {
        while (TryPop(key, out connection))
        {
            if (connection.IsQuiet)
            {
                return true;
            }

            connection.Leave();
        }

        return false;
    }

    /// <summary>Takes leave of all that wait for one key.</summary>
    public void Close(TKey key)
    {
        while (TryPop(key, out var connection))
        {
            connection.Leave();
        }
    }

    /// <summary>An empty cache leaves the sweeper, so that one that nobody uses any more needs no farewell.</summary>
    void ISweepable.Sweep(long now)
    {
        List<TConnection>? over = null;
        var empty = false;
        lock (gate)
        {
            foreach (var (key, stack) in idle)
            {
                var expired = 0;
                while (expired < stack.Count && stack[expired].Until <= now)
                {
                    (over ??= []).Add(stack[expired++].Connection);
                }

                stack.RemoveRange(0, expired);
                count -= expired;
                if (stack.Count == 0)
                {
                    idle.Remove(key);
                }
            }

            empty = count == 0;
            swept = !empty;
        }

        if (empty)
        {
            sweeper.Remove(this);
        }

        over?.ForEach(connection => connection.Leave());
    }

    public void Dispose()
    {
        sweeper.Remove(this);
        List<TConnection> all = [];
        lock (gate)
        {
            disposed = true;
            foreach (var stack in idle.Values)
            {
                stack.ForEach(entry => all.Add(entry.Connection));
            }

            idle.Clear();
            count = 0;
        }

        all.ForEach(connection => connection.Leave());
    }

    private bool TryPop(TKey key, [MaybeNullWhen(false)] out TConnection connection)
    {
        lock (gate)
        {
            if (idle.TryGetValue(key, out var stack) && stack.Count > 0)
            {
                connection = stack[^1].Connection;
                stack.RemoveAt(stack.Count - 1);
                count--;
                return true;
            }
        }

        connection = null;
        return false;
    }

    private readonly record struct Entry(TConnection Connection, long Until);
}
