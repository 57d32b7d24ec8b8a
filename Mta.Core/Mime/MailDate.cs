using System.Globalization;

namespace Mta.Core.Mime;

/// <summary>Dates as headers have them (RFC 5322 section 3.3).</summary>
public static class MailDate
{
    /// <summary>The time in a zone, with the zone's short name as a comment where it has one: <c>Wed, 25 Nov 2026 01:39:25 +0000 (UTC)</c>.</summary>
    public static string Format(DateTimeOffset time, TimeZoneInfo zone)
    {
        var local = TimeZoneInfo.ConvertTime(time, zone);
        var offset = local.Offset;
        var name = zone.IsDaylightSavingTime(local) ? zone.DaylightName : zone.StandardName;
        var comment = name.Length is > 0 and <= 6 ? $" ({name})" : offset == TimeSpan.Zero ? " (UTC)" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{local:ddd, d MMM yyyy HH:mm:ss} {(offset < TimeSpan.Zero ? '-' : '+')}{Math.Abs(offset.Hours):00}{Math.Abs(offset.Minutes):00}{comment}");
    }
}
