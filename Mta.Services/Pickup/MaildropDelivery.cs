using System.Globalization;
using Mta.Core.Config;
using Mta.Core.Delivery;
using Mta.Core.Queue;
using Mta.Core.Smtp;
using Mta.Services.Clients;
using Mta.Storage;
using Mta.Storage.Maildrop;

namespace Mta.Services.Pickup;

/// <summary>
/// Runs one message of maildrop through cleanup. Until cleanup's transaction commits, the message is maildrop's: it is deleted there in that
/// very transaction, and any failure leaves it to a later try.
/// </summary>
internal sealed class MaildropDelivery(PickupPorts ports, Settings settings, string tag)
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LastRetry = TimeSpan.FromMinutes(10);

    private readonly string myHostname = settings.Get(Parameters.Myhostname);
    private readonly string mailName = settings.Get(Parameters.MailName);
    private readonly ReceiveOverrides overrides = ReceiveOverrides.From(settings);

    public async Task DeliverAsync(MaildropMessage message, CancellationToken cancellationToken)
    {
        try
        {
            var content = new MaildropContent(ports.Store, message);
            var result = await EnqueueAsync(message, content, cancellationToken).ConfigureAwait(false);
            if (result.Outcome is CleanupOutcome.WriteError or CleanupOutcome.NoSpace)
            {
                await ReleaseAsync(message, cancellationToken).ConfigureAwait(false);
            }
            else if (result.Outcome == CleanupOutcome.Discarded)
            {
                await ports.Store.DiscardAsync(message.Id, cancellationToken).ConfigureAwait(false);
            }
            else if (result.Outcome != CleanupOutcome.Queued)
            {
                await ReturnAsync(message, content, result, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (StorageException e)
        {
            ports.Log.Warning(tag, $"{message.Id.ToString()}: {e.Message}");
            await ReleaseAsync(message, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The service stops: the next one need not wait for the end of the lease.
            await ReleaseAsync(message, TimeSpan.Zero, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Our own bug, met by one message: it must not keep the others from being sent.
            ports.Log.Panic(tag, $"{message.Id.ToString()}: {e.ToString()}");
            await ReleaseAsync(message, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<CleanupResult> EnqueueAsync(MaildropMessage message, MaildropContent content, CancellationToken cancellationToken)
    {
        await using var transaction = ports.Cleanup.Begin(new CleanupRequest
        {
            Sender = message.Sender,
            LocalContext = true,
            Flags = message.Flags,
            Return = message.Return,
            EnvelopeId = message.EnvelopeId,
            Id = message.Id,
            MaildropId = message.Id.Value,
            CleanupService = overrides.CleanupService,
            ContentFilter = overrides.ContentFilter,
            MapsAddresses = overrides.MapsAddresses,
            ChecksContent = overrides.ChecksContent,
        });
        // Mail of SQL has a role where sendmail's has a user: pflogsumm counts what says uid= as received.
        var user = message.UserId?.ToString(CultureInfo.InvariantCulture) ?? message.SubmittedBy;
        ports.Log.Info(tag, $"{transaction.IdText}: uid={user} from=<{message.Sender}>");

        transaction.PrependHeader(Received(message, transaction.IdText));
        foreach (var recipient in message.Recipients)
        {
            transaction.AddRecipient(recipient, message.Notify);
        }

        return await FinishAsync(transaction, content.ReadAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    private static async ValueTask<CleanupResult> FinishAsync(
        ICleanupTransaction transaction, IAsyncEnumerable<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        await foreach (var piece in content.ConfigureAwait(false))
        {
            transaction.Append(piece.Span);
            await transaction.FlushAsync(cancellationToken).ConfigureAwait(false);
        }

        return await transaction.FinishAsync(cancellationToken).ConfigureAwait(false);
    }

    private string Received(MaildropMessage message, string id)
    {
        var origin = message.UserId is { } uid
            ? string.Create(CultureInfo.InvariantCulture, $"from userid {uid}")
            : $"from database role {string.Concat(message.SubmittedBy.Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' ? c : '?'))}";
        return $"Received: by {myHostname} ({mailName}, {origin})\n\tid {id}; {MailDates.Format(ports.Time)}";
    }

    /// <summary>Cleanup refused it: there is no client to tell, so that the sender gets a notification in its place.</summary>
    private async ValueTask ReturnAsync(MaildropMessage message, MaildropContent content, CleanupResult result, CancellationToken cancellationToken)
    {
        var (dsn, text) = Reason(result);
        var recipients = message.Recipients.Select((r, i) => new Recipient { Number = i, Address = r, Notify = message.Notify }).ToList();
        var envelope = new Envelope
        {
            Id = message.Id,
            Sender = message.Sender,
            Size = message.Size,
            Flags = message.Flags,
            Return = message.Return,
            EnvelopeId = message.EnvelopeId,
            RecipientCount = recipients.Count,
        };
        var outcomes = recipients.ConvertAll(r => new RecipientOutcome(r, DeliveryStatus.Bounced(dsn, text)));
        foreach (var recipient in recipients)
        {
            ports.Log.Info(tag, $"{message.Id.ToString()}: to=<{recipient.Address}>, relay=none, delay=0, delays=0/0/0/0, dsn={dsn}, status=bounced ({text})");
        }

        await RememberAsync(message, result.Outcome, dsn, text, cancellationToken).ConfigureAwait(false);

        var told = await ports.Notifications
            .BuildAsync(NotificationKind.NonDelivery, envelope, content, outcomes, ports.NextId, cancellationToken).ConfigureAwait(false);
        if (told.IsFailed)
        {
            await ReleaseAsync(message, cancellationToken).ConfigureAwait(false);
            return;
        }

        if (told.Message is not { } notification)
        {
            await ports.Store.DiscardAsync(message.Id, cancellationToken).ConfigureAwait(false);
            return;
        }

        await using var transaction = ports.Cleanup.Begin(new CleanupRequest
        {
            Sender = notification.Envelope.Sender,
            LocalContext = true,
            Flags = notification.Envelope.Flags | EnvelopeFlags.Internal,
            Id = notification.Envelope.Id,
            MaildropId = message.Id.Value,
        });
        foreach (var recipient in notification.Recipients)
        {
            transaction.AddRecipient(recipient.Address, recipient.Notify);
        }

        transaction.Append(notification.Content.Span);
        var queued = await transaction.FinishAsync(cancellationToken).ConfigureAwait(false);
        if (queued.Outcome == CleanupOutcome.Queued)
        {
            ports.Log.Info(tag, $"{message.Id.ToString()}: sender non-delivery notification: {transaction.IdText}");
        }
        else if (queued.Outcome is CleanupOutcome.WriteError or CleanupOutcome.NoSpace)
        {
            await ReleaseAsync(message, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            ports.Log.Warning(tag, $"{message.Id.ToString()}: sender notification was refused: {Reason(queued).Text}");
            await ports.Store.DiscardAsync(message.Id, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What the log says of it goes into the history; what is lost there is in the log.</summary>
    private async ValueTask RememberAsync(MaildropMessage message, CleanupOutcome outcome, string dsn, string text, CancellationToken cancellationToken)
    {
        if (outcome == CleanupOutcome.ContentRejected)
        {
            var recipient = message.Recipients.Count == 0 ? null : message.Recipients[^1];
            ports.Rejects?.Add(message.Id.ToString(), "PICKUP", "local", "local", null, message.Sender, recipient, new ServerReply($"{(dsn[0] == '4' ? 451 : 550)} {dsn} {text}"));
        }

        try
        {
            if (ports.Returns is { } returns)
            {
                await returns.WriteAsync(message.Id.Value, message.Sender, message.Size, message.Recipients, tag, dsn, text, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (StorageException e)
        {
            ports.Log.Warning(tag, $"{message.Id.ToString()}: not in the history: {e.Message}");
        }
    }

    private static (string Dsn, string Text) Reason(CleanupResult result)
    {
        var (dsn, text) = result.Outcome switch
        {
            CleanupOutcome.TooBig => ("5.3.4", "message file too big"),
            CleanupOutcome.TooManyHops => ("5.4.0", "too many hops"),
            CleanupOutcome.NoRecipients => ("5.1.0", "no recipients specified"),
            _ => ("5.7.1", "message content rejected"),
        };
        return (result.Dsn ?? dsn, result.Text ?? text);
    }

    private ValueTask ReleaseAsync(MaildropMessage message, CancellationToken cancellationToken) => ReleaseAsync(
        message, TimeSpan.FromSeconds(Math.Min(LastRetry.TotalSeconds, FirstRetry.TotalSeconds * message.Attempts)), cancellationToken);

    private async ValueTask ReleaseAsync(MaildropMessage message, TimeSpan delay, CancellationToken cancellationToken)
    {
        try
        {
            await ports.Store.ReleaseAsync(message.Id, delay, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException)
        {
            // The lease ends by itself.
        }
    }
}
