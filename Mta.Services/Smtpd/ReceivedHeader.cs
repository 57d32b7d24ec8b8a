using System.Text;
using Mta.Core.Addresses;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Services.Tls;

namespace Mta.Services.Smtpd;

/// <summary>The Received header of RFC 5321 section 4.4, in Postfix's layout.</summary>
internal static class ReceivedHeader
{
    [ThreadStatic]
    private static StringBuilder? cached;

    public static string Make(SmtpdSession session)
    {
        var config = session.Config;
        var mail = session.Mail;
        var client = session.Client;
        var text = cached ??= new StringBuilder(512);
        text.Clear();
        if (config.HideClientSession)
        {
            text.Append("Received: by ").Append(config.Hostname).Append(" (").Append(config.MailName).Append(')');
        }
        else
        {
            text.Append("Received: from ").Append(session.Helo ?? client.Name)
                .Append(" (").Append(client.Name).Append(" [").Append(client.AddressLiteral).Append("])");
            if (config.Tls.ReceivedHeader && session.Stream.Tls is { } tls)
            {
                text.Append("\n\t(using ").Append(TlsDescription.Of(tls)).Append(")\n\t(No client certificate requested)");
            }

            if (config.AuthenticatedHeader && session.Login is { } login)
            {
                text.Append("\n\t(Authenticated sender: ").Append(ForwardedAttribute.Neuter(login, "()\\")).Append(')');
            }

            text.Append("\n\tby ").Append(config.Hostname).Append(" (").Append(config.MailName).Append(") with ").Append(With(session));
        }

        text.Append(" id ").Append(mail.Message!.IdText);
        if (mail.RecipientCount == 1 && mail.Recipient is { } recipient)
        {
            text.Append("\n\tfor <").Append(AddressQuoting.ToExternal(recipient)).Append(">; ");
        }
        else
        {
            text.Append(";\n\t");
        }

        return text.Append(MailDates.Format(session.Environment.Time)).ToString();
    }

    // RFC 3848, and RFC 6531 section 4.3 for UTF8SMTP.
    private static string With(SmtpdSession session)
    {
        var utf8 = session.Mail.Parameters.Flags.HasFlag(EnvelopeFlags.SmtpUtf8);
        return (session.Stream.Tls is not null, session.Login is not null) switch
        {
            _ when !session.IsEsmtp => "SMTP",
            (false, false) => utf8 ? "UTF8SMTP" : "ESMTP",
            (true, false) => utf8 ? "UTF8SMTPS" : "ESMTPS",
            (false, true) => utf8 ? "UTF8SMTPA" : "ESMTPA",
            (true, true) => utf8 ? "UTF8SMTPSA" : "ESMTPSA",
        };
    }
}
