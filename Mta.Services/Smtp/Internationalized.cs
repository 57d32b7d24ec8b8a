using System.Text;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Storage;

namespace Mta.Services.Smtp;

/// <summary>Whether a message can go only to a server with SMTPUTF8 (RFC 6531 section 3.2).</summary>
internal static class Internationalized
{
    /// <summary>
    /// A client that asked for SMTPUTF8 may not have needed it: an address or a header must have other than ASCII characters. A header that
    /// cannot be read now is taken to have them.
    /// </summary>
    public static async ValueTask<bool> IsNeededAsync(DeliveryRequest request, CancellationToken cancellationToken)
    {
        if ((request.Envelope.Flags & EnvelopeFlags.SmtpUtf8) == 0)
        {
            return false;
        }

        if (!Ascii.IsValid(request.Envelope.Sender))
        {
            return true;
        }

        foreach (var recipient in request.Recipients)
        {
            if (!Ascii.IsValid(recipient.Address))
            {
                return true;
            }
        }

        if (request.Content.TryGetBytes(out var content))
        {
            var whole = default(HeaderScan);
            return whole.FindsEightBit(content.Span);
        }

        try
        {
            var scan = default(HeaderScan);
            await foreach (var part in request.Content.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                if (scan.FindsEightBit(part.Span) || scan.HasEnded)
                {
                    break;
                }
            }

            return scan.HasEightBit;
        }
        catch (StorageException)
        {
            return true;
        }
    }

    /// <summary>Looks through the header, piece by piece.</summary>
    private struct HeaderScan
    {
        private bool atLineEnd;

        public bool HasEnded { get; private set; }

        public bool HasEightBit { get; private set; }

        public bool FindsEightBit(ReadOnlySpan<byte> piece)
        {
            if (atLineEnd && piece is [(byte)'\n', ..])
            {
                HasEnded = true;
                return HasEightBit;
            }

            var end = piece.IndexOf("\n\n"u8);
            HasEnded = end >= 0;
            HasEightBit |= !Ascii.IsValid(HasEnded ? piece[..end] : piece);
            atLineEnd = piece is [.., (byte)'\n'];
            return HasEightBit;
        }
    }
}
