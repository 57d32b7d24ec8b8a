namespace Mta.Storage.Maps;

/// <summary>A stored lookup table at one moment. Two are equal when nothing changed in between.</summary>
/// <param name="Id">Another id under the same name: the table was dropped and made again.</param>
public readonly record struct StoredTableVersion(string Name, long Id, long Version, LookupKind Kind = LookupKind.Map);

/// <summary>The answer of a stored table for one key.</summary>
/// <param name="TableExists">False when there is no table of that name.</param>
public readonly record struct StoredAnswer(bool TableExists, string? Value);
