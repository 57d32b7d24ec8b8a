using Mta.Core.Config;

namespace Mta.Core.Addresses;

/// <summary>
/// Where a local part ends and its extension begins (<c>user+extension</c>): recipient_delimiter is a set of characters, the first of any
/// of them splits. Some names are never split.
/// </summary>
public sealed class ExtensionRules
{
    private readonly string delimiters;
    private readonly bool ownerRequestSpecial;
    private readonly string doubleBounce;

    /// <param name="delimiters">recipient_delimiter; empty when addresses have no extensions.</param>
    /// <param name="ownerRequestSpecial">owner-name and name-request are whole names even when <c>-</c> is a delimiter.</param>
    /// <param name="doubleBounce">double_bounce_sender.</param>
    public ExtensionRules(string delimiters, bool ownerRequestSpecial = true, string doubleBounce = "double-bounce")
    {
        this.delimiters = delimiters;
        this.ownerRequestSpecial = ownerRequestSpecial && delimiters.Contains('-');
        this.doubleBounce = doubleBounce;
    }

    public static ExtensionRules None { get; } = new("");

    /// <summary>True when no address is ever split.</summary>
    public bool IsOff => delimiters.Length == 0;

    public static ExtensionRules From(Settings settings) => new(
        settings.Get(Parameters.RecipientDelimiter),
        settings.Get(Parameters.OwnerRequestSpecial),
        settings.Get(Parameters.DoubleBounceSender));

    /// <summary>The position of the delimiter in <paramref name="localPart"/>, or -1 when it has no extension.</summary>
    public int IndexOfDelimiter(ReadOnlySpan<char> localPart)
    {
        if (delimiters.Length == 0)
        {
            return -1;
        }

        // The user part must not be empty, so a delimiter at the start means no split at all.
        var at = localPart.IndexOfAny(delimiters);
        return at <= 0 || IsWholeName(localPart) ? -1 : at;
    }

    private bool IsWholeName(ReadOnlySpan<char> localPart)
    {
        const StringComparison ignoreCase = StringComparison.OrdinalIgnoreCase;
        return localPart.Equals("postmaster", ignoreCase)
            || localPart.Equals("mailer-daemon", ignoreCase)
            || localPart.Equals(doubleBounce, ignoreCase)
            || (ownerRequestSpecial
                && ((localPart.Length > "owner-".Length && localPart.StartsWith("owner-", ignoreCase))
                    || (localPart.Length > "-request".Length && localPart.EndsWith("-request", ignoreCase))));
    }
}
