using System.Globalization;
using Mta.Core.Smtp;
using Mta.Services.Clients;

namespace Mta.Services.Smtpd.Verbs;

/// <summary>
/// The end of DATA or of the last chunk: the last checks, then cleanup takes the message. Until its answer the mail is the client's;
/// with "queued" it is ours.
/// </summary>
internal static class EndOfMessage
{
    /// <param name="chunkBytes">The bytes of all chunks; -1 after DATA.</param>
    public static async ValueTask FinishAsync(SmtpdSession session, long chunkBytes, CancellationToken cancellationToken)
    {
        var mail = session.Mail;
        session.Where = "END-OF-MESSAGE";
        var refusal = await CheckAsync(session, cancellationToken).ConfigureAwait(false);
        if (refusal is null)
        {
            // The commit takes what it takes; only the client's next command has a time limit again.
            session.Stream.ClearDeadline();
            var id = mail.Message!.IdText;
            var result = await mail.FinishAsync(cancellationToken).ConfigureAwait(false);
            if (result.IsAccepted)
            {
                session.ForgiveErrors();
                session.Replies.AddLine(chunkBytes < 0 ? "250 2.0.0 Ok: queued as " : QueuedChunks(chunkBytes), id);
                await mail.ResetAsync().ConfigureAwait(false);
                return;
            }

            refusal = Explain(result);
            if (result.Outcome is CleanupOutcome.ContentRejected or CleanupOutcome.TooBig or CleanupOutcome.TooManyHops)
            {
                // The log line is cleanup's.
                session.NoteRefusedContent(refusal, isWarning: result.Outcome != CleanupOutcome.ContentRejected);
            }
        }

        session.Reply(refusal);
        await mail.ResetAsync().ConfigureAwait(false);
    }

    private static async ValueTask<ServerReply?> CheckAsync(SmtpdSession session, CancellationToken cancellationToken)
    {
        var mail = session.Mail;
        if (mail.TooBig)
        {
            session.Log.Warning(session.Tag, $"{session.QueueTag}: queue file size limit exceeded");
            session.NoteRefusedContent(ProtocolReplies.MessageTooBig, isWarning: true);
            return ProtocolReplies.MessageTooBig;
        }

        if (mail.SawBareLf && session.Config.BareNewline == BareNewlinePolicy.Reject)
        {
            return session.Config.BareLfReceived;
        }

        if (!session.StandAlone && await session.Check.EndOfDataAsync(cancellationToken).ConfigureAwait(false) is { } refusal)
        {
            return refusal;
        }

        return session.Environment.AcceptingMail() ? null : ProtocolReplies.NotAccepting;
    }

    private static string QueuedChunks(long bytes) => string.Create(CultureInfo.InvariantCulture, $"250 2.0.0 Ok: {bytes} bytes queued as ");

    private static ServerReply Explain(CleanupResult result)
    {
        if (result.Text is { } text)
        {
            var dsn = result.Dsn ?? "5.7.1";
            return new ServerReply($"{(dsn[0] == '4' ? "451" : "550")} {dsn} {text}");
        }

        return result.Outcome switch
        {
            CleanupOutcome.TooBig => ProtocolReplies.MessageTooBig,
            CleanupOutcome.TooManyHops => ProtocolReplies.TooManyHops,
            CleanupOutcome.ContentRejected => ProtocolReplies.ContentRejected,
            CleanupOutcome.NoRecipients => ProtocolReplies.NoRecipients,
            CleanupOutcome.NoSpace => ProtocolReplies.NoSpace,
            _ => ProtocolReplies.QueueWriteError,
        };
    }
}
