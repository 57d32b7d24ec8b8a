using System.Buffers;
using System.Text;
using Mta.Core.Addresses;
using Mta.Core.Mime;
using Mta.Core.Queue;
using Mta.Services.Cleanup.Checks;
using Mta.Services.Clients;
using Mta.Storage;
using Mta.Storage.Queue;

namespace Mta.Services.Cleanup;

/// <summary>One message on its way into the queue. Content goes through <see cref="HeaderPass"/> and then in bulk into the buffer.</summary>
internal sealed class CleanupTransaction : ICleanupTransaction, IContentOutput
{
    private const byte Lf = (byte)'\n';

    private readonly CleanupService service;
    private readonly CleanupRequest request;
    private readonly List<Recipient> recipients = [];
    private readonly HeaderPass headers;

    /// <summary>What looks into the content; null when nothing is to be looked for.</summary>
    private ContentChecks? checks;
    private MessageActions? actions;
    private ContentBuffer buffer;
    private IContentUpload? upload;
    private long contentBytes;
    private long storedBytes;
    private bool eightBit;
    private bool tooBig;
    private bool storeFailed;

    /// <summary>The sender as it goes into the queue; null until it was looked up.</summary>
    private string? sender;
    private bool endsWithLf = true;

    /// <summary>What makes quoted-printable of content that claims to be 8-bit; null when that is not wanted.</summary>
    private readonly MimeDowngrader? converter;
    private readonly ArrayBufferWriter<byte>? converted;

    /// <summary>The message was handed over or refused: nothing of it is left here.</summary>
    private bool ended;

    public CleanupTransaction(CleanupService service, CleanupRequest request, QueueId id)
    {
        this.service = service;
        this.request = request;
        Id = id;
        IdText = id.ToString();
        headers = new HeaderPass(service, request, IdText);
        if (service.Config.ConvertsEightBit)
        {
            converter = new MimeDowngrader(service.Config.MimeNestingLimit);
            converted = new ArrayBufferWriter<byte>();
        }
    }

    public QueueId Id { get; }

    public string IdText { get; }

    public MessageActions Actions => actions ??= new MessageActions();

    public void AddRecipient(string address, DsnNotify notify, string? originalRecipient) =>
        recipients.Add(new Recipient { Number = recipients.Count, Address = address, Notify = notify, OriginalRecipient = originalRecipient });

    public void PrependHeader(string header)
    {
        if (FindChecks() is { } found)
        {
            found.Append(Encoding.UTF8.GetBytes(header + "\n"));
            return;
        }

        if (!header.StartsWith("Received:", StringComparison.Ordinal))
        {
            // As if the message had come with it: its addresses are rewritten, and it may be one to drop.
            headers.Header(Encoding.UTF8.GetBytes(header), ref buffer);
            return;
        }

        var length = buffer.Write(header);
        headers.Note(buffer.Last(length));
        buffer.Write(Lf);
    }

    public void Append(ReadOnlySpan<byte> content)
    {
        if (tooBig || storeFailed || content.IsEmpty || actions is { Discard: true })
        {
            return;
        }

        contentBytes += content.Length;
        if (service.Config.MessageSizeLimit > 0 && contentBytes > service.Config.MessageSizeLimit)
        {
            // The client may send on for long; nothing of it is of use.
            tooBig = true;
            buffer.Release();
            headers.Release();
            return;
        }

        endsWithLf = content[^1] == Lf;
        if (converter is null)
        {
            Take(content);
            return;
        }

        converter.Write(content, converted!);
        TakeConverted();
    }

    /// <summary>Content as it is to be stored, but for what is done to headers and by checks.</summary>
    private void Take(ReadOnlySpan<byte> content)
    {
        if (content.IsEmpty)
        {
            return;
        }

        eightBit = eightBit || !Ascii.IsValid(content);
        if (FindChecks() is { } found)
        {
            found.Append(content);
            return;
        }

        if (!headers.HasEnded)
        {
            content = headers.Take(content, ref buffer);
        }

        if (!content.IsEmpty)
        {
            AppendBody(content);
        }
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken) =>
        checks is not null ? CheckAsync(isLast: false, cancellationToken)
        : buffer.Length < service.Config.ChunkSize || storeFailed ? default
        : StoreChunksAsync(cancellationToken);

    void IContentOutput.Header(ReadOnlySpan<byte> field) => headers.Header(field, ref buffer);

    void IContentOutput.EndHeader() => headers.EndHeader(ref buffer);

    void IContentOutput.Write(ReadOnlySpan<byte> content) => AppendBody(content);

    public async ValueTask<CleanupResult> FinishAsync(CancellationToken cancellationToken)
    {
        if (tooBig)
        {
            service.Log.Warning(CleanupService.Tag, $"{IdText}: queue file size limit exceeded");
            return await RefuseAsync(new CleanupResult(CleanupOutcome.TooBig)).ConfigureAwait(false);
        }

        if (storeFailed)
        {
            return await RefuseAsync(new CleanupResult(CleanupOutcome.WriteError)).ConfigureAwait(false);
        }

        if (converter is not null)
        {
            converter.Complete(converted!);
            TakeConverted();
        }

        if (FindChecks() is not null)
        {
            await CheckAsync(isLast: true, cancellationToken).ConfigureAwait(false);
            if (storeFailed || checks!.Refusal is not null)
            {
                return await RefuseAsync(checks!.Refusal ?? new CleanupResult(CleanupOutcome.WriteError)).ConfigureAwait(false);
            }
        }

        if (actions is { Discard: true })
        {
            return await RefuseAsync(new CleanupResult(CleanupOutcome.Discarded)).ConfigureAwait(false);
        }

        headers.Finish(ref buffer);
        if (!endsWithLf && headers.HasEnded)
        {
            buffer.Write(Lf);
        }

        if (headers.Hops >= service.Config.HopcountLimit)
        {
            service.Log.Warning(CleanupService.Tag, $"{IdText}: message rejected: hopcount exceeded");
            return await RefuseAsync(new CleanupResult(CleanupOutcome.TooManyHops)).ConfigureAwait(false);
        }

        if (!await MapSenderAsync(cancellationToken).ConfigureAwait(false)
            || (headers.HasUnmapped && !await MapHeaderAsync(cancellationToken).ConfigureAwait(false)))
        {
            return await RefuseAsync(new CleanupResult(CleanupOutcome.WriteError)).ConfigureAwait(false);
        }

        var envelope = await service.Envelopes.MakeAsync(IdText, request, sender!, recipients, actions?.Bcc, cancellationToken).ConfigureAwait(false);
        if (envelope.Refusal is { } refusal)
        {
            return await RefuseAsync(refusal).ConfigureAwait(false);
        }

        if (upload is not null)
        {
            await FlushAsync(cancellationToken).ConfigureAwait(false);
            if (storeFailed)
            {
                return await RefuseAsync(new CleanupResult(CleanupOutcome.WriteError)).ConfigureAwait(false);
            }
        }

        return await EnqueueAsync(envelope, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        headers.Release();
        buffer.Release();
        if (!ended)
        {
            ended = true;
            service.Log.Info(CleanupService.Tag, $"{IdText}: canceled");
            await AbortUploadAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask<CleanupResult> EnqueueAsync(EnvelopeResult result, CancellationToken cancellationToken)
    {
        ended = true;
        var content = buffer.Detach();
        var queued = Redirected(result.Recipients);
        var message = new NewMessage
        {
            Envelope = new Envelope
            {
                Id = Id,
                Sender = result.Sender,
                Size = storedBytes + content.Length,
                Flags = request.Flags
                    | (eightBit || headers.ClaimsEightBit ? EnvelopeFlags.EightBit : EnvelopeFlags.None)
                    | (request.MaildropId != 0 && service.Config.DetectsSmtpUtf8 && (headers.HasEightBit || result.HasEightBit) ? EnvelopeFlags.SmtpUtf8 : EnvelopeFlags.None),
                Return = request.Return,
                EnvelopeId = request.EnvelopeId,
                ClientName = request.ClientName,
                ClientAddress = request.ClientAddress,
                ClientPort = request.ClientPort,
                Protocol = request.Protocol,
                Helo = request.Helo,
                Filter = actions?.Redirect is null ? actions?.Filter ?? request.ContentFilter : null,
                MessageId = headers.MessageId,
                RecipientCount = queued.Count,
            },
            Recipients = queued,
            Hold = actions?.Hold ?? HoldReason.None,
            Content = content.Memory,
            StoredChunks = upload?.Chunks ?? 0,
            Owned = true,
            MaildropId = request.MaildropId,
        };
        var stored = await service.Intake.EnqueueAsync(message, content, cancellationToken).ConfigureAwait(false);
        if (stored.Outcome != CleanupOutcome.Queued)
        {
            await AbortUploadAsync().ConfigureAwait(false);
        }

        return stored;
    }

    /// <summary>The one recipient that a rule puts in the place of all; it is known as the first of them by domain and address, as Postfix sorts them.</summary>
    private IReadOnlyList<Recipient> Redirected(IReadOnlyList<Recipient> recipients)
    {
        if (actions?.Redirect is not { } address)
        {
            return recipients;
        }

        var first = recipients[0];
        foreach (var recipient in recipients)
        {
            first = Compare(recipient.Address, first.Address) < 0 ? recipient : first;
        }

        return
        [
            new Recipient
            {
                Number = 0,
                Address = address,
                Original = first.Original ?? first.Address,
                Notify = first.Notify,
                OriginalRecipient = first.OriginalRecipient,
            },
        ];
    }

    private static int Compare(string one, string other)
    {
        var domains = MailAddress.Domain(one).CompareTo(MailAddress.Domain(other), StringComparison.OrdinalIgnoreCase);
        return domains != 0 ? domains : string.CompareOrdinal(one, other);
    }

    /// <summary>What looks into the content, made when the first of it comes: by then the recipients are known, for its log.</summary>
    private ContentChecks? FindChecks()
    {
        if (checks is null && request.ChecksContent && !service.Checks.IsOff)
        {
            var recipient = recipients.Count == 0 ? null : service.Envelopes.CompleteRecipient(recipients[^1].Address);
            var log = new CheckLog(service.Log, request, IdText, service.Envelopes.CompleteSender(request.Sender), recipient);
            checks = new ContentChecks(service.Checks, converter is not null, Actions, log);
        }

        return checks;
    }

    private async ValueTask CheckAsync(bool isLast, CancellationToken cancellationToken)
    {
        await checks!.RunAsync(isLast, this, cancellationToken).ConfigureAwait(false);
        if (buffer.Length >= service.Config.ChunkSize && !storeFailed && !isLast)
        {
            await StoreChunksAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private void TakeConverted()
    {
        Take(converted!.WrittenSpan);
        converted.ResetWrittenCount();
    }

    private void AppendBody(ReadOnlySpan<byte> content)
    {
        buffer.Write(content);
        if (service.Config.ReplaceStrayCr)
        {
            buffer.Last(content.Length).Replace((byte)'\r', (byte)' ');
        }
    }

    /// <summary>False when a table cannot answer.</summary>
    private async ValueTask<bool> MapSenderAsync(CancellationToken cancellationToken) =>
        (sender ??= await service.Envelopes.SenderAsync(IdText, request, cancellationToken).ConfigureAwait(false)) is not null;

    /// <summary>Replaces addresses in the header fields that are in the buffer; false when a table cannot answer.</summary>
    private async ValueTask<bool> MapHeaderAsync(CancellationToken cancellationToken)
    {
        if (await MapSenderAsync(cancellationToken).ConfigureAwait(false)
            && await headers.MapAsync(buffer, sender!, cancellationToken).ConfigureAwait(false) is { } mapped)
        {
            buffer = mapped;
            return true;
        }

        return false;
    }

    private async ValueTask StoreChunksAsync(CancellationToken cancellationToken)
    {
        if (headers.HasUnmapped && !await MapHeaderAsync(cancellationToken).ConfigureAwait(false))
        {
            // Refused at its end, as mail that could not be stored.
            storeFailed = true;
            buffer.Release();
            headers.Release();
            return;
        }

        var size = service.Config.ChunkSize;
        try
        {
            upload ??= service.Intake.BeginUpload(Id);
            while (buffer.Length >= size)
            {
                await upload.WriteAsync(buffer.Memory[..size], cancellationToken).ConfigureAwait(false);
                storedBytes += size;
                buffer.RemoveFirst(size);
            }
        }
        catch (StorageException e)
        {
            service.Log.Warning(CleanupService.Tag, $"{IdText}: content not stored: {e.Message}");
            storeFailed = true;
            buffer.Release();
            headers.Release();
        }
    }

    private async ValueTask<CleanupResult> RefuseAsync(CleanupResult result)
    {
        ended = true;
        buffer.Release();
        await AbortUploadAsync().ConfigureAwait(false);
        return result;
    }

    private ValueTask AbortUploadAsync() => upload?.AbortAsync() ?? default;
}
