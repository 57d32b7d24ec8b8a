using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>Sends as a mail program does: with MailKit.</summary>
internal static class MailClient
{
    /// <summary>Sends one message by a session of its own; the reply to the end of data.</summary>
    public static async Task<string> SendAsync(
        MtaInstance mta, MimeMessage message, SecureSocketOptions security, CancellationToken cancellationToken)
    {
        using var client = new SmtpClient { ServerCertificateValidationCallback = static (_, _, _, _) => true };
        await client.ConnectAsync("127.0.0.1", mta.SmtpPort, security, cancellationToken);
        var reply = await client.SendAsync(message, cancellationToken);
        await client.DisconnectAsync(quit: true, cancellationToken);
        return reply;
    }

    public static MimeMessage Message(string from, string to, string subject, string body) => new(
        [MailboxAddress.Parse(from)], [MailboxAddress.Parse(to)], subject, new TextPart("plain") { Text = body });
}
