using System.Buffers.Text;
using System.Text;
using Mta.Core.Smtp;

namespace Mta.Services.Smtpd.Verbs;

/// <summary>
/// BDAT (RFC 3030): the content in counted chunks. A chunk follows its command in any case, so it is read before any refusal.
/// </summary>
internal static class BdatVerb
{
    public static ServerReply? Check(SmtpdSession session, ReadOnlySpan<byte> arguments)
    {
        if (!session.Offered.HasFlag(EsmtpOptions.Chunking))
        {
            return ProtocolReplies.ChunkingNotImplemented;
        }

        var rest = arguments;
        var count = CommandLine.NextWord(ref rest);
        var last = CommandLine.NextWord(ref rest);
        if (!Utf8Parser.TryParse(count, out long size, out var used) || used != count.Length || size < 0
            || !(last.IsEmpty || CommandLine.Is(last, "LAST"u8)) || !CommandLine.Trim(rest).IsEmpty)
        {
            // Without a count it is not known where the next command begins: the connection ends.
            var space = arguments.IsEmpty ? "" : " ";
            session.Log.Warning(
                session.Tag, $"{session.QueueTag}: malformed BDAT command syntax from {session.Client.Tag}: BDAT{space}{arguments}");
            return ProtocolReplies.BdatSyntax;
        }

        session.Parsed.ChunkSize = size;
        session.Parsed.LastChunk = !last.IsEmpty;
        if (size == 0 && last.IsEmpty)
        {
            session.Log.Warning(session.Tag, $"{session.QueueTag}: null BDAT request from {session.Client.Tag}");
            return ProtocolReplies.NullBdat;
        }

        return null;
    }

    public static async ValueTask ProceedAsync(SmtpdSession session, CancellationToken cancellationToken)
    {
        var mail = session.Mail;
        var size = session.Parsed.ChunkSize;
        var last = session.Parsed.LastChunk;
        if (mail.ChunksFailed)
        {
            await DiscardAsync(session, size, null, cancellationToken).ConfigureAwait(false);
            return;
        }

        if (mail.Message is null)
        {
            mail.ChunksFailed = mail.InChunks = true;
            var reply = mail.IsActive ? ProtocolReplies.NoValidRecipients : ProtocolReplies.NeedRcpt;
            await DiscardAsync(session, size, reply, cancellationToken).ConfigureAwait(false);
            return;
        }

        if (session.Config.MessageSizeLimit > 0 && size > session.Config.MessageSizeLimit - mail.Size)
        {
            mail.ChunksFailed = mail.InChunks = true;
            session.Log.Warning(session.Tag, $"{session.QueueTag}: BDAT request from {session.Client.Tag} exceeds message size limit");
            session.NoteRefusedContent(ProtocolReplies.ChunkTooBig, isWarning: true);
            await DiscardAsync(session, size, ProtocolReplies.ChunkTooBig, cancellationToken).ConfigureAwait(false);
            return;
        }

        if (!mail.InChunks)
        {
            if (!session.StandAlone && await session.Check.DataAsync(cancellationToken).ConfigureAwait(false) is { } refusal)
            {
                mail.ChunksFailed = mail.InChunks = true;
                await DiscardAsync(session, size, refusal, cancellationToken).ConfigureAwait(false);
                return;
            }

            mail.BeginContent(ReceivedHeader.Make(session));
            mail.InChunks = true;
        }

        if (!await ReadChunkAsync(session, size, keep: true, cancellationToken).ConfigureAwait(false))
        {
            session.EndOfInput();
            return;
        }

        if (!last)
        {
            session.Replies.Add(Encoding.ASCII.GetBytes($"250 2.0.0 Ok: {size} bytes\r\n"));
            return;
        }

        EndLastLine(mail, session.Config.MessageSizeLimit);
        await EndOfMessage.FinishAsync(session, mail.Size, cancellationToken).ConfigureAwait(false);
    }

    private static async ValueTask DiscardAsync(SmtpdSession session, long size, ServerReply? reply, CancellationToken cancellationToken)
    {
        if (!await ReadChunkAsync(session, size, keep: false, cancellationToken).ConfigureAwait(false))
        {
            session.EndOfInput();
            return;
        }

        session.Reply(reply ?? new ServerReply($"551 5.0.0 Discarded {size} bytes after earlier error"));
    }

    private static async ValueTask<bool> ReadChunkAsync(SmtpdSession session, long size, bool keep, CancellationToken cancellationToken)
    {
        while (size > 0)
        {
            if (session.Input.IsEmpty && !await session.ReceiveAsync(cancellationToken).ConfigureAwait(false))
            {
                return false;
            }

            var taken = (int)Math.Min(session.Input.Pending.Length, size);
            if (keep)
            {
                Decode(session, taken);
            }

            session.Input.Consume(taken);
            size -= taken;
            if (keep)
            {
                await session.Mail.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        return true;
    }

    private static void Decode(SmtpdSession session, int count)
    {
        var mail = session.Mail;
        var buffer = session.Input.PendingWithReserve[..(count + 1)];
        var written = mail.Chunks.Decode(buffer);
        mail.Take(buffer[..written], count, session.Config.MessageSizeLimit);
        if (mail.Chunks.SawBareLf && !session.BareNewlineExcluded)
        {
            session.NoteBareLf();
            mail.SawBareLf = true;
        }
    }

    private static void EndLastLine(MailTransaction mail, long limit)
    {
        if (mail.Chunks.HoldsCr)
        {
            mail.Take("\r"u8, 0, limit);
        }

        if (mail.Chunks.EndsInsideLine)
        {
            mail.Take("\n"u8, 0, limit);
        }
    }
}
