using Mta.Core.Delivery;
using Mta.Core.Queue;
using Mta.Core.Smtp;
using Mta.Services.Clients;

namespace Mta.Services.Smtp;

/// <summary>
/// One message over one session: MAIL, RCPT and DATA, in one write when the server allows it, then the content. The outcome of each
/// recipient goes to the attempt; a broken conversation is a <see cref="PeerException"/>.
/// </summary>
internal sealed class MailTransaction(SmtpSession session, DeliveryAttempt attempt, OutputRules? rules, MailLog log)
{
    /// <summary>
    /// Recipients in one write. The replies to so many fit into the socket buffers, so that two sides that both write first do not wait
    /// for each other for ever (RFC 2920 section 3.1).
    /// </summary>
    private const int PipelinedRecipients = 100;

    private readonly ClientOptions options = session.Options;
    private readonly DeliveryRequest request = attempt.Request;
    private MappedEnvelope? mapped;
    private bool convert;
    private int accepted;

    /// <summary>The end of data was sent: if no reply comes, the message may have been delivered.</summary>
    public bool SentEndOfData { get; private set; }

    public async ValueTask RunAsync(CancellationToken cancellationToken)
    {
        if (await ObstacleAsync(cancellationToken).ConfigureAwait(false) is { } obstacle)
        {
            attempt.FailAll(obstacle);
            return;
        }

        if (rules?.Generic is { } generic)
        {
            mapped = await generic.MapAsync(request, cancellationToken).ConfigureAwait(false);
            if (mapped is null)
            {
                // What Postfix says of it, whose client ends here with a fatal error.
                attempt.FailAll(attempt.WithoutSession(DeliveryAction.Deferred, "4.3.0", "unknown mail transport error"));
                return;
            }
        }

        convert = options.ConvertEightBit && !session.Has(PeerFeatures.EightBitMime) && (request.Envelope.Flags & EnvelopeFlags.EightBit) != 0;
        if (await SendEnvelopeAsync(cancellationToken).ConfigureAwait(false)
            && await SendContentAsync(cancellationToken).ConfigureAwait(false))
        {
            await ReadOutcomeAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What makes it useless to ask the server.</summary>
    private async ValueTask<DeliveryStatus?> ObstacleAsync(CancellationToken cancellationToken)
    {
        if (session.Peer.SizeLimit > 0 && request.Envelope.Size > session.Peer.SizeLimit)
        {
            var text = $"message size {request.Envelope.Size} exceeds size limit {session.Peer.SizeLimit} of server {session.Host.NameAddress}";
            return attempt.Status(session, DeliveryAction.Bounced, "5.3.4", text);
        }

        if (!session.Has(PeerFeatures.SmtpUtf8) && await Internationalized.IsNeededAsync(request, cancellationToken).ConfigureAwait(false))
        {
            var text = $"SMTPUTF8 is required, but was not offered by host {session.Host.NameAddress}";
            return attempt.Status(session, DeliveryAction.Bounced, "5.6.7", text);
        }

        return null;
    }

    private DeliveryStatus DataError() =>
        attempt.Status(session, DeliveryAction.Deferred, "4.3.0", $"local data error while talking to {session.Host.NameAddress}");

    /// <summary>True when the server waits for the content.</summary>
    private async ValueTask<bool> SendEnvelopeAsync(CancellationToken cancellationToken)
    {
        var pipelining = session.Has(PeerFeatures.Pipelining);
        var resetPending = session.NeedsReset;
        session.NeedsReset = false;
        if (resetPending)
        {
            session.Commands.Line("RSET"u8);
            if (!pipelining)
            {
                await session.SendCommandsAsync(options.ResetTimeout, Step.Reset, cancellationToken).ConfigureAwait(false);
                await session.ReadReplyAsync(options.ResetTimeout, Step.Reset, cancellationToken).ConfigureAwait(false);
                resetPending = false;
            }
        }

        session.Commands.Mail(request.Envelope, session.Peer.Features, options.QuoteEnvelope, convert, mapped?.Sender);
        if (!pipelining)
        {
            await session.SendCommandsAsync(options.MailTimeout, Step.Mail, cancellationToken).ConfigureAwait(false);
        }

        // Refused MAIL and RCPT commands leave the server in the middle of a transaction, until something says otherwise.
        Reply? refusal = null;
        var mailOpen = true;
        var next = 0;
        var dataSent = false;
        do
        {
            if (!pipelining && mailOpen)
            {
                mailOpen = false;
                if (await ReadMailAsync(cancellationToken).ConfigureAwait(false) is { } reply)
                {
                    attempt.FailAll(attempt.FromReply(session, reply, "MAIL FROM command"));
                    return false;
                }
            }

            var start = next;
            next = WriteRecipients(start, pipelining ? PipelinedRecipients : 1);
            if (pipelining && next == attempt.Count)
            {
                session.Commands.Line("DATA"u8);
                dataSent = true;
            }

            await session.SendCommandsAsync(options.RcptTimeout, Step.Rcpt, cancellationToken).ConfigureAwait(false);
            if (resetPending)
            {
                resetPending = false;
                await session.ReadReplyAsync(options.ResetTimeout, Step.Reset, cancellationToken).ConfigureAwait(false);
            }

            if (mailOpen)
            {
                mailOpen = false;
                refusal = await ReadMailAsync(cancellationToken).ConfigureAwait(false);
            }

            await ReadRecipientsAsync(start, next, refusal is not null, cancellationToken).ConfigureAwait(false);
            if (session.IsDead)
            {
                return false;
            }
        }
        while (next < attempt.Count && refusal is null);

        return await StartDataAsync(refusal, dataSent, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The reply to MAIL when it is a refusal.</summary>
    private async ValueTask<Reply?> ReadMailAsync(CancellationToken cancellationToken)
    {
        var code = await session.ReadReplyAsync(options.MailTimeout, Step.Mail, cancellationToken).ConfigureAwait(false);
        if (code / 100 == 2)
        {
            return null;
        }

        if (session.IsDead && session.UseCount > 1)
        {
            // The server has closed an idle connection, and its last word crossed our MAIL.
            throw session.Broken(Step.Mail);
        }

        var reply = session.ToReply();
        if (session.IsDead)
        {
            attempt.FailAll(attempt.FromReply(session, reply, "MAIL FROM command"));
        }

        return reply;
    }

    /// <summary>Writes RCPT for some of the recipients that are left; returns where it stopped.</summary>
    private int WriteRecipients(int start, int most)
    {
        var index = start;
        for (var count = 0; index < attempt.Count && (count < most || !attempt.IsLeft(index)); index++)
        {
            if (attempt.IsLeft(index))
            {
                session.Commands.Rcpt(attempt[index], session.Peer.Features, options.QuoteEnvelope, mapped?.Recipients[index]);
                count++;
            }
        }

        return index;
    }

    private async ValueTask ReadRecipientsAsync(int start, int end, bool ignore, CancellationToken cancellationToken)
    {
        for (var i = start; i < end && !session.IsDead; i++)
        {
            if (!attempt.IsLeft(i))
            {
                continue;
            }

            var code = await session.ReadReplyAsync(options.RcptTimeout, Step.Rcpt, cancellationToken).ConfigureAwait(false);
            if (ignore)
            {
                continue;
            }

            if (code / 100 == 2)
            {
                attempt.Accept(i);
                accepted++;
            }
            else if (session.IsDead)
            {
                attempt.FailAll(attempt.FromReply(session, session.ToReply(), "RCPT TO command"));
            }
            else
            {
                // RFC 5321 section 4.5.3.1.10: with 552 a server of old means 452, too many recipients.
                var reply = session.ToReply();
                attempt.Fail(i, attempt.FromReply(session, code == 552 ? reply.AsTemporary() : reply, "RCPT TO command"));
            }
        }
    }

    /// <summary>DATA, sent or still to be sent. Where nobody is left to deliver to, a server that is ready for content gets none.</summary>
    private async ValueTask<bool> StartDataAsync(Reply? refusal, bool dataSent, CancellationToken cancellationToken)
    {
        var wanted = refusal is null && accepted > 0;
        if (!dataSent && wanted)
        {
            session.Commands.Line("DATA"u8);
            await session.SendCommandsAsync(options.DataInitTimeout, Step.Data, cancellationToken).ConfigureAwait(false);
            dataSent = true;
        }

        if (refusal is not null)
        {
            attempt.FailAll(attempt.FromReply(session, refusal, "MAIL FROM command"));
        }

        session.NeedsReset = true;
        if (!dataSent)
        {
            return false;
        }

        var code = await session.ReadReplyAsync(options.DataInitTimeout, Step.Data, cancellationToken).ConfigureAwait(false);
        if (code / 100 != 3)
        {
            if (wanted)
            {
                attempt.FailAccepted(attempt.FromReply(session, session.ToReply(), "DATA command"));
            }

            return false;
        }

        session.NeedsReset = false;
        if (!wanted)
        {
            // RFC 2920 section 3.1: the server took DATA without recipients.
            session.Commands.Line("."u8);
            await session.SendCommandsAsync(options.DataDoneTimeout, Step.EndOfData, cancellationToken).ConfigureAwait(false);
            await session.ReadReplyAsync(options.DataDoneTimeout, Step.EndOfData, cancellationToken).ConfigureAwait(false);
        }

        return wanted;
    }

    /// <summary>True when the server has all of the content. Until the reply to it the message is still ours.</summary>
    private async ValueTask<bool> SendContentAsync(CancellationToken cancellationToken)
    {
        var source = new ContentSender(session, request, convert, rules, log);
        switch (await source.RunAsync(cancellationToken).ConfigureAwait(false))
        {
            case ContentOutcome.Sent:
                SentEndOfData = true;
                break;
            case ContentOutcome.Unreadable:
                // What went out so far must not become a message: the connection is broken off before the final dot.
                session.IsDead = true;
                attempt.FailAccepted(DataError());
                return false;
            case ContentOutcome.Withdrawn:
                session.IsDead = true;
                attempt.FailAccepted(attempt.Status(session, DeliveryAction.Deferred, "4.3.0", $"lease of this node lost while talking to {session.Host.NameAddress}"));
                return false;
            default:
                await ReadEarlyReplyAsync(cancellationToken).ConfigureAwait(false);
                return false;
        }

        if (session.Body.Folded)
        {
            log.Info(request.Transport, $"{request.Envelope.Id}: breaking line > {options.LineLengthLimit} bytes with <CR><LF>SPACE");
        }

        return true;
    }

    /// <summary>The server has ended the content before we did; often it has said why.</summary>
    private async ValueTask ReadEarlyReplyAsync(CancellationToken cancellationToken)
    {
        var timedOut = session.Connection.TimedOut;
        var code = await session.ReadReplyAsync(options.DataDoneTimeout, Step.Body, cancellationToken).ConfigureAwait(false);
        session.IsDead = true;
        if (timedOut || code / 100 is not (4 or 5))
        {
            throw session.Broken(Step.Body);
        }

        attempt.FailAccepted(attempt.FromReply(session, session.ToReply(), "end of DATA command"));
    }

    /// <summary>The reply to the content: one for all, with LMTP one for each recipient that was accepted (RFC 2033 section 4.2).</summary>
    private async ValueTask ReadOutcomeAsync(CancellationToken cancellationToken)
    {
        DeliveryStatus? status = null;
        for (var i = 0; i < attempt.Count; i++)
        {
            if (!attempt.IsAccepted(i))
            {
                continue;
            }

            if (status is null || options.IsLmtp)
            {
                var code = await session.ReadReplyAsync(options.DataDoneTimeout, Step.EndOfData, cancellationToken).ConfigureAwait(false);
                var reply = session.ToReply();
                status = code / 100 == 2
                    ? attempt.Status(session, DeliveryAction.Sent, reply.Dsn, reply.Text, reply.Text, session.Has(PeerFeatures.Dsn))
                    : attempt.FromReply(session, reply, "end of DATA command");
            }

            if (status.Action != DeliveryAction.Sent)
            {
                attempt.Fail(i, status);
            }
            else if ((attempt[i].Notify & DsnNotify.Success) == 0 || session.Has(PeerFeatures.Dsn) || options.AssumeFinal)
            {
                attempt.Report(i, status);
            }
            else
            {
                attempt.Report(i, attempt.Status(session, DeliveryAction.Relayed, status.Dsn, status.Text, status.RemoteReply));
            }
        }
    }
}
