namespace Mta.Core.Lookup.Patterns;

/// <summary>The flags of a pcre_table(5) pattern that the translation has to know.</summary>
[Flags]
internal enum PcreOptions
{
    None = 0,
    /// <summary>x: white space and comments are not part of the pattern.</summary>
    Extended = 1,
    /// <summary>A: matches at the start only.</summary>
    Anchored = 2,
    /// <summary>E: <c>$</c> matches at the very end only, not before a line end there.</summary>
    DollarEndOnly = 4,
    /// <summary>U: quantifiers are lazy, and greedy with <c>?</c>.</summary>
    Ungreedy = 8,
    /// <summary>m: lines within the text count.</summary>
    Multiline = 16,
}
