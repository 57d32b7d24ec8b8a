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

/// <summary>Sends the content of a message from memory or out of the store, as it is, or converted to 7 bits and changed by rules.</summary>
internal readonly struct ContentSender(SmtpSession session, DeliveryRequest request, bool convert, OutputRules? rules, MailLog log)
{
    public async ValueTask<ContentOutcome> RunAsync(CancellationToken cancellationToken)
    {
        var body = session.Body;
        body.Begin(request.Content.Length, session.Options.LineLengthLimit, session.Options.DataTransferTimeout);
        try
        {
            if (convert || rules is not null)
            {
                if (await SendChangedAsync(cancellationToken).ConfigureAwait(false) is { } failure)
                {
                    return failure;
                }
            }
            else if (!(request.Content.TryGetBytes(out var bytes)
                ? await body.WriteAsync(bytes, cancellationToken).ConfigureAwait(false)
                : await SendStreamAsync(cancellationToken).ConfigureAwait(false)))
            {
                return ContentOutcome.Interrupted;
            }

            if (!request.MayFinish)
            {
                return ContentOutcome.Withdrawn;
            }

            return await body.EndAsync(cancellationToken).ConfigureAwait(false) ? ContentOutcome.Sent : ContentOutcome.Interrupted;
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

    /// <summary>Null when all was sent.</summary>
    private async ValueTask<ContentOutcome?> SendChangedAsync(CancellationToken cancellationToken)
    {
        var change = new Change(
            convert ? new MimeDowngrader(session.Options.MimeNestingLimit) : null, rules is null ? null : new ContentRewriter(rules, convert, request, log));
        if (request.Content.TryGetBytes(out var bytes))
        {
            return await SendAsync(change, bytes, isLast: true, cancellationToken).ConfigureAwait(false);
        }

        await foreach (var piece in request.Content.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (await SendAsync(change, piece, isLast: false, cancellationToken).ConfigureAwait(false) is { } failure)
            {
                return failure;
            }
        }

        return await SendAsync(change, default, isLast: true, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>One piece on its way: converted first, so that rules see what goes out.</summary>
    private async ValueTask<ContentOutcome?> SendAsync(Change change, ReadOnlyMemory<byte> piece, bool isLast, CancellationToken cancellationToken)
    {
        if (change.Downgrader is { } downgrader)
        {
            change.Converted.ResetWrittenCount();
            downgrader.Write(piece.Span, change.Converted);
            if (isLast)
            {
                downgrader.Complete(change.Converted);
            }

            piece = change.Converted.WrittenMemory;
        }

        if (change.Rewriter is { } rewriter)
        {
            change.Output.ResetWrittenCount();
            if (!await rewriter.WriteAsync(piece, change.Output, cancellationToken).ConfigureAwait(false)
                || (isLast && !await rewriter.CompleteAsync(change.Output, cancellationToken).ConfigureAwait(false)))
            {
                return ContentOutcome.Unreadable;
            }

            piece = change.Output.WrittenMemory;
        }

        return await session.Body.WriteAsync(piece, cancellationToken).ConfigureAwait(false) ? null : ContentOutcome.Interrupted;
    }

    /// <summary>What the content of one message goes through.</summary>
    private sealed record Change(MimeDowngrader? Downgrader, ContentRewriter? Rewriter)
    {
        public ArrayBufferWriter<byte> Converted { get; } = new();

        public ArrayBufferWriter<byte> Output { get; } = new();
    }
}
