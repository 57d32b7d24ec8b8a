namespace Mta.Core.Config;

/// <summary>What counts as white space in configuration files: that of the C locale, so that text of any encoding passes unhurt.</summary>
internal static class Space
{
    public const string Characters = " \t\r\n\v\f";

    public static bool Is(char c) => c is ' ' or (>= '\t' and <= '\r');
}
