namespace Mta.Core.Lookup;

/// <summary>The keys of one search, then those of another: one walk over the tables, and one round trip to those that are far away.</summary>
public struct ChainedKeys<TFirst, TSecond>(TFirst first, TSecond second) : ILookupKeys
    where TFirst : struct, ILookupKeys
    where TSecond : struct, ILookupKeys
{
    private TFirst first = first;
    private TSecond second = second;
    private bool inSecond;

    public readonly string Key => inSecond ? second.Key : first.Key;

    public readonly bool IsPartial => inSecond ? second.IsPartial : first.IsPartial;

    public bool MoveNext()
    {
        if (!inSecond && first.MoveNext())
        {
            return true;
        }

        inSecond = true;
        return second.MoveNext();
    }
}
