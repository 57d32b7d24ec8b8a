using System.Collections.Concurrent;

namespace Mta.Services.Maps.Stored;

/// <summary>
/// A bounded cache that forgets by halves: when the young half is full, it becomes the old one and the old one goes. What is used moves
/// back into the young half. Costs no list and no lock at a hit.
/// </summary>
/// <param name="capacity">Entries at most; half of it may be forgotten at once.</param>
internal sealed class GenerationCache<TValue>(int capacity)
{
    private readonly int half = Math.Max(1, capacity / 2);
    private readonly Lock turning = new();
    private volatile ConcurrentDictionary<string, TValue> young = new(StringComparer.Ordinal);
    private volatile ConcurrentDictionary<string, TValue> old = new(StringComparer.Ordinal);
    private int youngCount;

    public bool TryGet(string key, out TValue value)
    {
        if (young.TryGetValue(key, out value!))
        {
            return true;
        }

        if (!old.TryGetValue(key, out value!))
        {
            return false;
        }

        Set(key, value);
        return true;
    }

    public void Set(string key, TValue value)
    {
        if (young.TryAdd(key, value) && Interlocked.Increment(ref youngCount) > half)
        {
            Turn();
        }
    }

    private void Turn()
    {
        lock (turning)
        {
            if (youngCount > half)
            {
                old = young;
                young = new ConcurrentDictionary<string, TValue>(StringComparer.Ordinal);
                youngCount = 0;
            }
        }
    }
}
