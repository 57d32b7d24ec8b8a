using Mta.Core.Headers;

namespace Mta.Services.Clients;

/// <summary>The date of now for headers, made once a second.</summary>
public static class MailDates
{
    private const int LongestZoneName = 6;

    private static Entry last = new(-1, null!, "");

    public static string Format(TimeProvider time)
    {
        var now = time.GetUtcNow();
        var seconds = now.ToUnixTimeSeconds();
        var known = Volatile.Read(ref last);
        if (known.Seconds == seconds && ReferenceEquals(known.Zone, time.LocalTimeZone))
        {
            return known.Text;
        }

        var entry = new Entry(seconds, time.LocalTimeZone, Format(now, time.LocalTimeZone));
        Volatile.Write(ref last, entry);
        return entry.Text;
    }

    public static string Format(DateTimeOffset instant, TimeZoneInfo zone)
    {
        var local = TimeZoneInfo.ConvertTime(instant, zone);

        // Where only a long name is known ("Central European Standard Time") it is left out.
        var name = zone.IsDaylightSavingTime(local) ? zone.DaylightName : zone.StandardName;
        return MailDate.Format(local, local.Offset == TimeSpan.Zero ? "UTC" : name.Length <= LongestZoneName ? name : "");
    }

    private sealed record Entry(long Seconds, TimeZoneInfo Zone, string Text);
}
