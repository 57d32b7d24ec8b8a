namespace Mta.Core.Lookup.Patterns;

/// <summary>A regular expression that cannot be translated. Thrown and caught within this folder.</summary>
/// <param name="offset">Where in the expression, as PCRE counts.</param>
internal sealed class PatternException(string message, int offset = 0, bool isUnsupported = false) : Exception(message)
{
    public int Offset => offset;

    /// <summary>The expression is right, but this program cannot do it: its lookups must fail rather than miss.</summary>
    public bool IsUnsupported => isUnsupported;
}
