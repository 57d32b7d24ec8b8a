using System.Globalization;
using Mta.Core.Config;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Services.Mailbox;
using Mta.Storage;

namespace Mta.Services.Local;

/// <summary>
/// Puts mail for other addresses back into the queue as a message of its own, which is responsible for them from its commit on.
/// </summary>
internal sealed class Forwarder(ICleanup cleanup, TimeProvider time)
{
    /// <summary>One new message for all addresses: its text is <c>forwarded as ID</c>, or why not.</summary>
    public async ValueTask<(string Dsn, string Text)> ForwardAsync(
        DeliveryRequest request, Recipient recipient, string sender, List<string> addresses, CancellationToken cancellationToken)
    {
        var envelope = request.Envelope;
        var transaction = cleanup.Begin(new CleanupRequest
        {
            Sender = sender,
            Flags = (envelope.Flags & (EnvelopeFlags.SmtpUtf8 | EnvelopeFlags.EightBit)) | EnvelopeFlags.Internal,
            Return = envelope.Return,
            EnvelopeId = envelope.EnvelopeId,
            ClientName = envelope.ClientName,
            ClientAddress = envelope.ClientAddress,
            ClientPort = envelope.ClientPort,
            Protocol = envelope.Protocol,
            Helo = envelope.Helo,
        });
        await using (transaction.ConfigureAwait(false))
        {
            // RFC 3461 section 5.2.7.3: of several addresses none is the one whose success was asked for.
            var notify = addresses.Count > 1 ? recipient.Notify & ~DsnNotify.Success : recipient.Notify;
            foreach (var address in addresses)
            {
                transaction.AddRecipient(address, notify, recipient.OriginalRecipient);
            }

            var settings = request.Settings;
            transaction.PrependHeader(
                $"Received: by {settings.Get(Parameters.Myhostname)} ({settings.Get(Parameters.MailName)})\n\tid {transaction.IdText}; {Date()}");
            if (settings.Get(Parameters.PrependDeliveredHeader).Contains("forward", StringComparison.Ordinal))
            {
                Append(transaction, "Delivered-To: " + DeliveryHeaders.OneLine(recipient.Address) + "\n");
            }

            try
            {
                await CopyAsync(request.Content, transaction, cancellationToken).ConfigureAwait(false);
            }
            catch (StorageException)
            {
                return ("4.3.0", "unable to forward message");
            }

            var result = await transaction.FinishAsync(cancellationToken).ConfigureAwait(false);
            return result.Outcome switch
            {
                CleanupOutcome.Queued => ("2.0.0", "forwarded as " + transaction.IdText),
                CleanupOutcome.TooManyHops => (result.Dsn ?? "5.4.0", result.Text ?? "too many hops"),
                CleanupOutcome.TooBig => (result.Dsn ?? "5.3.4", result.Text ?? "message file too big"),
                CleanupOutcome.ContentRejected => (result.Dsn ?? "5.7.1", result.Text ?? "message content rejected"),
                _ => ("4.3.0", "unable to forward message"),
            };
        }
    }

    private static async ValueTask CopyAsync(IMessageContent content, ICleanupTransaction transaction, CancellationToken cancellationToken)
    {
        if (content.TryGetBytes(out var bytes))
        {
            transaction.Append(bytes.Span);
            await transaction.FlushAsync(cancellationToken).ConfigureAwait(false);
            return;
        }

        await foreach (var part in content.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            transaction.Append(part.Span);
            await transaction.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static void Append(ICleanupTransaction transaction, string text) => transaction.Append(System.Text.Encoding.UTF8.GetBytes(text));

    // RFC 5322 section 3.3.
    private string Date()
    {
        var now = time.GetLocalNow();
        var text = now.ToString("ddd, d MMM yyyy HH:mm:ss zzz", CultureInfo.InvariantCulture);
        return text.Remove(text.Length - 3, 1);
    }
}
