using System.Buffers;
using Mta.Core.Mime;
using Mta.Services.Clients;
using Mta.Storage;

namespace Mta.Services.Smtp;

internal enum ContentOutcome : byte
{
    Sent,
    /// <summary>The peer has gone, or has replied before the end.</summary>
    Interrupted,
    /// <summary>The store could not give all of it.</summary>
    Unreadable,
    /// <summary>The message may not be ours any more: no final dot.</summary>
    Withdrawn,
}

/// <summary>Sends the content of a message from memory or out of the store, as it is or converted to 7 bits.</summary>
internal readonly struct ContentSender(SmtpSession session, DeliveryRequest request, bool convert)
{
    public async ValueTask<ContentOutcome> RunAsync(CancellationToken cancellationToken)
    {
        var body = session.Body;
        body.Begin(request.Content.Length, session.Options.LineLengthLimit, session.Options.DataTransferTimeout);
        try
        {
            var sent = convert ? await SendConvertedAsync(cancellationToken).ConfigureAwait(false)
                : request.Content.TryGetBytes(out var bytes) ? await body.WriteAsync(bytes, cancellationToken).ConfigureAwait(false)
                : await SendStreamAsync(cancellationToken).ConfigureAwait(false);
            if (sent && !request.MayFinish)
            {
                return ContentOutcome.Withdrawn;
            }

            return sent && await body.EndAsync(cancellationToken).ConfigureAwait(false) ? ContentOutcome.Sent : ContentOutcome.Interrupted;
        }
        catch (StorageException)
        {
            return ContentOutcome.Unreadable;
        }
        finally
        {
            body.Release();
        }
    }

    private async ValueTask<bool> SendStreamAsync(CancellationToken cancellationToken)
    {
        await foreach (var piece in request.Content.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (!await session.Body.WriteAsync(piece, cancellationToken).ConfigureAwait(false))
            {
                return false;
            }
        }

        return true;
    }

    private async ValueTask<bool> SendConvertedAsync(CancellationToken cancellationToken)
    {
        var downgrader = new MimeDowngrader(session.Options.MimeNestingLimit);
        var output = new ArrayBufferWriter<byte>();
        if (request.Content.TryGetBytes(out var bytes))
        {
            downgrader.Write(bytes.Span, output);
        }
        else
        {
            await foreach (var piece in request.Content.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                downgrader.Write(piece.Span, output);
                if (!await session.Body.WriteAsync(output.WrittenMemory, cancellationToken).ConfigureAwait(false))
                {
                    return false;
                }

                output.ResetWrittenCount();
            }
        }

        downgrader.Complete(output);
        return await session.Body.WriteAsync(output.WrittenMemory, cancellationToken).ConfigureAwait(false);
    }
}
