using Mta.Services.Clients;

namespace Mta.Services.Mailbox;

/// <summary>Logs what a delivery found odd.</summary>
internal static class MailboxWarnings
{
    public static void Write(MailLog log, string tag, MailboxResult result)
    {
        if (result.Warning is null)
        {
            return;
        }

        foreach (var line in result.Warning.Split('\n'))
        {
            log.Warning(tag, $"{line}");
        }
    }
}
