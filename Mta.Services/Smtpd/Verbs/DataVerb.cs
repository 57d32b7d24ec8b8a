using Mta.Core.Smtp;

namespace Mta.Services.Smtpd.Verbs;

/// <summary>
/// DATA (RFC 5321 section 4.1.1.4): the content, up to the line with a dot. The message is ours when it has been committed.
/// </summary>
internal static class DataVerb
{
    public static ServerReply? Check(SmtpdSession session, ReadOnlySpan<byte> arguments)
    {
        var mail = session.Mail;
        if (mail.InChunks)
        {
            return ProtocolReplies.DataAfterBdat;
        }

        if (mail.Message is null)
        {
            return mail.IsActive ? ProtocolReplies.NoValidRecipients : ProtocolReplies.NeedRcpt;
        }

        return arguments.IsEmpty ? null : ProtocolReplies.DataSyntax;
    }

    public static async ValueTask ProceedAsync(SmtpdSession session, CancellationToken cancellationToken)
    {
        var mail = session.Mail;
        if (!session.StandAlone && await session.Check.DataAsync(cancellationToken).ConfigureAwait(false) is { } refusal)
        {
            session.Reply(refusal);
            return;
        }

        mail.BeginContent(ReceivedHeader.Make(session));
        session.Reply(ProtocolReplies.StartMail);
        if (!await ReceiveAsync(session, cancellationToken).ConfigureAwait(false))
        {
            session.EndOfInput();
            return;
        }

        await EndOfMessage.FinishAsync(session, -1, cancellationToken).ConfigureAwait(false);
    }

    private static async ValueTask<bool> ReceiveAsync(SmtpdSession session, CancellationToken cancellationToken)
    {
        var decoder = new DataDecoder(session.BareNewlineExcluded ? BareNewline.Allow : BareNewline.Normalize);
        var decided = false;
        while (true)
        {
            if (decided || (decided = MailTransaction.ShowsFirstLine(session.Input.Pending)))
            {
                Decode(session, ref decoder);
                if (decoder.IsComplete)
                {
                    return true;
                }

                await session.Mail.FlushAsync(cancellationToken).ConfigureAwait(false);
            }

            if (!await session.ReceiveAsync(cancellationToken).ConfigureAwait(false))
            {
                return false;
            }
        }
    }

    private static void Decode(SmtpdSession session, ref DataDecoder decoder)
    {
        var pending = session.Input.Pending;
        var lines = decoder.Lines;
        decoder.Decode(pending, out var consumed, out var written);
        session.Mail.Take(pending[..written], written + decoder.Lines - lines, session.Config.MessageSizeLimit);
        session.Input.Consume(consumed);
        if (decoder.SawBareLf && !session.BareNewlineExcluded)
        {
            session.NoteBareLf();
            session.Mail.SawBareLf = true;
        }
    }
}
