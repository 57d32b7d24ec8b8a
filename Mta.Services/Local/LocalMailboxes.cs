using Mta.Core.Config;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Services.Mailbox;

namespace Mta.Services.Local;

/// <summary>Where a user's mailbox is: home_mailbox, else mail_spool_directory.</summary>
internal sealed class LocalMailboxes(UserDelivery mailboxes, MailLog log)
{
    private const string Tag = "local";

    /// <summary>Writes one copy: its text is <c>delivered to mailbox</c> or the like, or why not.</summary>
    public async ValueTask<(string Dsn, string Text)> DeliverAsync(
        DeliveryRequest request, Recipient recipient, LocalUser user, string sender, CancellationToken cancellationToken)
    {
        var order = Order(request, recipient, user, sender);
        var result = await mailboxes.DeliverAsync(order, request.Content, cancellationToken).ConfigureAwait(false);
        MailboxWarnings.Write(log, Tag, result);
        return (order.IsMaildir, result.IsDelivered) switch
        {
            (true, true) => ("2.0.0", "delivered to maildir"),
            (false, true) => ("2.0.0", "delivered to mailbox"),
            (true, false) => (result.Dsn, "maildir delivery failed: " + result.Reason),
            (false, false) => (result.Dsn, $"cannot update mailbox {order.Path} for user {user.Name}. {result.Reason}"),
        };
    }

    private static MailboxOrder Order(DeliveryRequest request, Recipient recipient, LocalUser user, string sender)
    {
        var settings = request.Settings;
        var home = settings.Get(Parameters.HomeMailbox);
        var spool = settings.Get(Parameters.MailSpoolDirectory);
        return new MailboxOrder
        {
            Path = home.Length > 0 ? $"{user.Home}/{home}" : spool.EndsWith('/') ? $"{spool}{user.Name}/" : $"{spool}/{user.Name}",
            Uid = user.Uid,
            Gid = home.Length > 0 ? user.Gid : SpoolGroup(spool, user),
            Sender = DeliveryHeaders.OneLine(sender),
            Headers = DeliveryHeaders.Build(
                sender,
                settings.Get(Parameters.EnableOriginalRecipient) ? DeliveryHeaders.OriginalOf(recipient) : null,
                settings.Get(Parameters.PrependDeliveredHeader).Contains("file", StringComparison.Ordinal) ? recipient.Address : null),
            Locks = MailboxLockStyles.Parse(settings.Get(Parameters.MailboxDeliveryLock)),
            LockAttempts = settings.Get(Parameters.DeliverLockAttempts),
            LockDelay = settings.Get(Parameters.DeliverLockDelay),
            StaleLockTime = settings.Get(Parameters.StaleLockTime),
            SizeLimit = settings.Get(Parameters.MailboxSizeLimit),
            StrictOwnership = settings.Get(Parameters.StrictMailboxOwnership),
        };
    }

    // A spool directory that its group may write (Debian's, of group mail) is meant for programs with that group: lock files are made in it.
    private static uint SpoolGroup(string spool, LocalUser user) =>
        Libc.Stat(spool, follow: true, out var directory) == Libc.Success && directory is { IsWritableByGroup: true, IsWritableByAll: false }
            ? directory.Gid
            : user.Gid;
}
