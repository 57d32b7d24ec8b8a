namespace Mta.Services.Maps;

/// <summary>A table that can tell all its entries (postmap -s).</summary>
public interface IListedTable : ILookupTable
{
    IEnumerable<KeyValuePair<string, string>> Entries { get; }
}
