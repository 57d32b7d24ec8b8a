namespace Mta.Core.Lookup;

/// <summary>One entry of a table's source file, or what is wrong with the line.</summary>
/// <param name="Problem">Null for an entry without fault; an entry with a problem that still has a key is used nevertheless.</param>
public readonly record struct SourceLine(string? Key, string Value, string? Problem);
