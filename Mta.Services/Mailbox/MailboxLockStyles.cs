using Mta.Core.Config;

namespace Mta.Services.Mailbox;

/// <summary>Reads mailbox_delivery_lock and virtual_mailbox_lock.</summary>
internal static class MailboxLockStyles
{
    /// <summary>The styles named; names that are none are left out, as postconf's check has warned of them.</summary>
    public static MailboxLocks Parse(string text)
    {
        var locks = MailboxLocks.None;
        foreach (var name in ValueList.Split(text))
        {
            locks |= name switch
            {
                "fcntl" => MailboxLocks.Fcntl,
                "flock" => MailboxLocks.Flock,
                "dotlock" => MailboxLocks.Dotlock,
                _ => MailboxLocks.None,
            };
        }

        return locks;
    }
}
