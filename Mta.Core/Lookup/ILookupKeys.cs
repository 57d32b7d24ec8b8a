namespace Mta.Core.Lookup;

/// <summary>The keys of one search, in the order in which the tables are asked for them. A value: a copy walks on by itself.</summary>
public interface ILookupKeys
{
    /// <summary>The key to ask for.</summary>
    string Key { get; }

    /// <summary>True for keys that are a part of what is looked for: tables of patterns are asked for the whole only.</summary>
    bool IsPartial { get; }

    bool MoveNext();
}
