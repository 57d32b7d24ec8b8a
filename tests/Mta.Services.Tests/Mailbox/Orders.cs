using Mta.Services.Mailbox;

namespace Mta.Services.Tests.Mailbox;

internal static class Orders
{
    public const string Headers = "Return-Path: <s@example.org>\nX-Original-To: a@example.com\nDelivered-To: a@example.com\n";

    /// <summary>A delivery as the user that runs the tests.</summary>
    public static MailboxOrder To(string path) => new()
    {
        Path = path,
        Uid = Libc.EffectiveUid,
        Gid = Libc.EffectiveGid,
        Sender = "s@example.org",
        Headers = Headers,
        LockDelay = TimeSpan.FromMilliseconds(20),
        LockAttempts = 3,
    };
}
