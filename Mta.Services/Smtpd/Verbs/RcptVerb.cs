using Mta.Core.Queue;
using Mta.Core.Smtp;
using Mta.Services.Clients;

namespace Mta.Services.Smtpd.Verbs;

/// <summary>
/// RCPT (RFC 5321 section 4.1.1.3) adds a recipient, when the restrictions allow it. The first one accepted opens the message.
/// </summary>
internal static class RcptVerb
{
    public static ServerReply? Check(SmtpdSession session, ReadOnlySpan<byte> arguments)
    {
        var config = session.Config;
        var mail = session.Mail;
        if (!mail.IsActive)
        {
            return ProtocolReplies.NeedMail;
        }

        if (mail.InChunks)
        {
            return ProtocolReplies.RcptAfterBdat;
        }

        if (!MailVerb.TryKeyword(arguments, "TO:"u8, out var text))
        {
            return ProtocolReplies.RcptSyntax;
        }

        var outcome = SmtpPath.Parse(text, config.StrictEnvelopes, out var address, out var raw, out var rest);
        if (outcome == PathOutcome.Missing)
        {
            return ProtocolReplies.RcptSyntax;
        }

        // Only a sender may be null.
        if (outcome == PathOutcome.Bad || address.Length == 0 || !MailVerb.MayHaveDomain(session, address))
        {
            MailVerb.ReportBadPath(session, "RCPT", raw);
            return ProtocolReplies.BadRecipient;
        }

        if (RecipientParameters.Parse(rest, session.Offered, out session.Parsed.Recipient) is { } refusal)
        {
            return refusal;
        }

        if (config.StrictSmtpUtf8 && !MailVerb.IsAscii(address) && !mail.Parameters.Flags.HasFlag(EnvelopeFlags.SmtpUtf8))
        {
            return ProtocolReplies.MustDeclareSmtpUtf8;
        }

        session.Parsed.Address = address;
        return null;
    }

    public static async ValueTask ProceedAsync(SmtpdSession session, CancellationToken cancellationToken)
    {
        var config = session.Config;
        var mail = session.Mail;
        if (config.RecipientLimit > 0 && mail.RecipientCount >= config.RecipientLimit)
        {
            RefuseSurplus(session);
            return;
        }

        if (!session.StandAlone
            && await session.Check.RecipientAsync(session.Parsed.Address, cancellationToken).ConfigureAwait(false) is { } refusal)
        {
            session.Reply(refusal);
            return;
        }

        if (mail.Message is null)
        {
            Open(session);
        }

        mail.AddRecipient(session.Parsed.Address, session.Parsed.Recipient);
        session.Reply(ProtocolReplies.RecipientOk);
    }

    // RFC 5321 section 4.5.3.1.10: a client that is told 452 sends the rest in a new transaction. That is no error, up to a point.
    private static void RefuseSurplus(SmtpdSession session)
    {
        if (session.Mail.Overshoot++ < session.Config.RecipientOvershootLimit)
        {
            session.ReplyWithoutError(ProtocolReplies.TooManyRecipients);
        }
        else
        {
            session.Reply(ProtocolReplies.TooManyRecipients);
        }
    }

    private static void Open(SmtpdSession session)
    {
        var mail = session.Mail;
        var client = session.Client;
        var origin = mail.Forwarded is { HasClient: true } forwarded ? forwarded : null;
        mail.Open((session.Config.Snapshot.Cleanup ?? session.Environment.Cleanup).Begin(new CleanupRequest
        {
            Sender = mail.Sender,
            LocalContext = mail.Forwarded?.IsLocal ?? session.LocalContext,
            Flags = mail.Parameters.Flags,
            Return = mail.Parameters.Return,
            EnvelopeId = mail.Parameters.EnvelopeId,
            ClientName = origin is null ? client.Name : origin.Name,
            ClientAddress = origin is null ? client.Address : origin.Address,
            ClientPort = client.Port,
            Protocol = origin is null ? session.Protocol : origin.Protocol,
            Helo = origin is null ? session.Helo ?? "" : origin.Helo,
            CleanupService = session.Config.Overrides.CleanupService,
            ContentFilter = session.Config.Overrides.ContentFilter,
            MapsAddresses = session.Config.Overrides.MapsAddresses,
            ChecksContent = session.Config.Overrides.ChecksContent,
        }));
        if (session.Login is null && mail.Forwarded is null)
        {
            session.Log.Info(session.Tag, $"{mail.Message!.IdText}: client={client.Tag}");
        }
        else
        {
            LogOrigin(session);
        }
    }

    private static void LogOrigin(SmtpdSession session)
    {
        var login = session.Login is { } user ? $", sasl_method=XCLIENT, sasl_username={user}" : "";
        var identifier = session.Mail.Forwarded?.Identifier is { } id ? $", orig_queue_id={id}" : "";
        var origin = session.Mail.Forwarded is { HasClient: true } forwarded ? $", orig_client={forwarded.Tag(session.Config.LogClientPort)}" : "";
        session.Log.Info(session.Tag, $"{session.QueueTag}: client={session.Client.Tag}{login}{identifier}{origin}");
    }
}
