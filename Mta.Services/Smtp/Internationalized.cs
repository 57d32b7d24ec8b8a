using System.Text;
using Mta.Core.Queue;
using Mta.Services.Clients;

namespace Mta.Services.Smtp;

/// <summary>Whether a message can go only to a server with SMTPUTF8 (RFC 6531 section 3.2).</summary>
internal static class Internationalized
{
    /// <summary>
    /// A client that asked for SMTPUTF8 may not have needed it: an address or a header must have other than ASCII characters. Content that
    /// is not in memory is taken to have them when the client said so.
    /// </summary>
    public static bool IsNeeded(DeliveryRequest request)
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

        if (!request.Content.TryGetBytes(out var content))
        {
            return true;
        }

        var end = content.Span.IndexOf("\n\n"u8);
        return !Ascii.IsValid(end < 0 ? content.Span : content.Span[..end]);
    }
}
