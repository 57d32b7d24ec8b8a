namespace Mta.Storage.Maps;

/// <summary>How the source file of a lookup table is read.</summary>
public enum LookupKind : byte
{
    /// <summary>postmap(1): <c>key whitespace value</c>.</summary>
    Map,
    /// <summary>aliases(5): <c>name: value, value</c>.</summary>
    Aliases,
}
