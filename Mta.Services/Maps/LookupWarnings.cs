using Mta.Core.Lookup;
using Mta.Services.Clients;

namespace Mta.Services.Maps;

/// <summary>Tells the log of lookups that failed, a line for each that the failure has.</summary>
internal static class LookupWarnings
{
    public static void LookupFailure(this MailLog log, string tag, in LookupResult failure)
    {
        foreach (var line in failure.Text.AsSpan().EnumerateLines())
        {
            log.Warning(tag, $"{line}");
        }
    }
}
