namespace Mta.Core.Lookup.Patterns;

/// <summary>A regular expression that cannot be translated. Thrown and caught within this folder.</summary>
internal sealed class PatternException(string message, bool isUnsupported = false) : Exception(message)
{
    /// <summary>The expression is right, but this program cannot do it: its lookups must fail rather than miss.</summary>
    public bool IsUnsupported => isUnsupported;
}
