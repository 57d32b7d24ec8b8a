using System.Globalization;

namespace Mta.Core.Headers;

/// <summary>Dates of RFC 5322 section 3.3.</summary>
public static class MailDate
{
    /// <summary><c>Wed,  1 Jul 2026 09:08:07 +0200 (CEST)</c>: the day has a space in place of a missing digit, as Postfix writes it.</summary>
    /// <param name="zoneName">The zone's short name for the comment; empty for none.</param>
    public static string Format(DateTimeOffset local, string zoneName)
    {
        var offset = local.Offset;
        var sign = offset < TimeSpan.Zero ? '-' : '+';
        offset = offset.Duration();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{local:ddd}, {local.Day,2} {local:MMM yyyy HH:mm:ss} {sign}{offset.Hours:00}{offset.Minutes:00}{(zoneName.Length == 0 ? "" : $" ({zoneName})")}");
    }
}
