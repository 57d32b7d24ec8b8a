namespace Mta.Services.Maps;

/// <summary>A table that hands the keys it is asked for on to others (unionmap, pipemap, debug).</summary>
internal interface IOuterTable : ILookupTable
{
    /// <summary>Those that are asked for the key as it is, as far as that is known beforehand.</summary>
    IReadOnlyList<ILookupTable> Inner { get; }
}
