using System.Text;
using Mta.Core.Addresses;
using Mta.Core.Delivery;
using Mta.Core.Queue;
using Mta.Core.Smtp;
using Mta.Services.Clients;

namespace Mta.Services.Bounce;

/// <summary>The part for programs: fields of the message and of each recipient (RFC 3464 section 2; RFC 6533 for addresses in UTF-8).</summary>
internal sealed class StatusFields(string hostname, Envelope envelope, bool international, TimeProvider time)
{
    private const int LineLength = 78;

    public string Write(NotificationKind kind, IReadOnlyList<RecipientOutcome> outcomes, DateTimeOffset retryUntil)
    {
        var fields = new StringBuilder();
        Add(fields, "Reporting-MTA", $"dns; {hostname}");
        if (envelope.EnvelopeId is { } envelopeId)
        {
            Add(fields, "Original-Envelope-Id", Xtext.Decode(envelopeId));
        }

        Add(fields, "X-Postfix-Queue-ID", envelope.Id.ToString());
        Add(fields, "X-Postfix-Sender", $"{AddressType(envelope.Sender)}; {AddressQuoting.ToExternal(envelope.Sender)}");
        Add(fields, "Arrival-Date", MailDates.Format(envelope.Id.Time, time.LocalTimeZone));
        foreach (var outcome in outcomes)
        {
            fields.Append('\n');
            AddRecipient(fields, kind, outcome, retryUntil);
        }

        return fields.ToString();
    }

    private void AddRecipient(StringBuilder fields, NotificationKind kind, RecipientOutcome outcome, DateTimeOffset retryUntil)
    {
        var (recipient, status) = outcome;
        Add(fields, "Final-Recipient", $"{AddressType(recipient.Address)}; {AddressQuoting.ToExternal(recipient.Address)}");
        if (recipient.OriginalRecipient is { } orcpt && orcpt.IndexOf(';', StringComparison.Ordinal) is > 0 and var semicolon)
        {
            Add(fields, "Original-Recipient", $"{orcpt[..semicolon]};{Xtext.Decode(orcpt[(semicolon + 1)..])}");
        }
        else
        {
            // A client that gave no ORCPT means the address that it gave (RFC 3461 section 4.2).
            var original = recipient.Original is { Length: > 0 } given ? given : recipient.Address;
            Add(fields, "Original-Recipient", $"{AddressType(original)};{AddressQuoting.ToExternal(original)}");
        }

        Add(fields, "Action", Action(kind, status.Action));
        Add(fields, "Status", status.Dsn);
        if (status.RemoteMta is { } remote)
        {
            Add(fields, "Remote-MTA", $"dns; {remote}");
        }

        Add(fields, "Diagnostic-Code", status.RemoteReply is { } reply ? $"smtp; {reply}" : $"X-Postfix; {status.Text}");
        if (kind == NotificationKind.Delay)
        {
            Add(fields, "Will-Retry-Until", MailDates.Format(retryUntil, time.LocalTimeZone));
        }
    }

    /// <summary>RFC 3464 section 2.3.3.</summary>
    private static string Action(NotificationKind kind, DeliveryAction action) => kind switch
    {
        NotificationKind.NonDelivery => "failed",
        NotificationKind.Delay => "delayed",
        _ => action switch
        {
            DeliveryAction.Relayed => "relayed",
            DeliveryAction.Expanded => "expanded",
            _ => "delivered",
        },
    };

    private string AddressType(string address) => international && !Ascii.IsValid(address) ? "utf-8" : "rfc822";

    private static void Add(StringBuilder fields, string name, string value)
    {
        var line = new StringBuilder(name).Append(':');
        var lineStart = 0;
        foreach (var word in value.Split(' '))
        {
            // Folded where a space stands (RFC 5322 section 2.2.3); text from outside has no line ends left.
            if (word.Length > 0 && line.Length - lineStart + 1 + word.Length > LineLength && line.Length - lineStart > name.Length + 1)
            {
                line.Append('\n');
                lineStart = line.Length;
                line.Append("   ");
            }

            line.Append(' ').Append(Printable(word));
        }

        fields.Append(line).Append('\n');
    }

    private static string Printable(string word) => word.Any(char.IsControl) ? new string([.. word.Select(c => char.IsControl(c) ? '?' : c)]) : word;
}
