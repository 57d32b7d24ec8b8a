using System.Text;
using MimeKit;
using Mta.Core.Addresses;
using Mta.Core.Bounce;
using Mta.Core.Config;
using Mta.Core.Headers;
using Mta.Core.Lookup;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Storage;
using Mta.Storage.Queue;

namespace Mta.Services.Bounce;

/// <summary>
/// bounce(8): builds non-delivery reports, delay warnings and success reports (RFC 3464 in a multipart/report of RFC 6522).
/// <para>
/// A report has three parts: a text for people, the status of each recipient for programs, and the message or its headers. It goes to the
/// envelope sender, from the null sender, so that a report is never reported. Nothing is reported to the null sender, nor of recipients
/// whose NOTIFY does not ask for it.
/// </para>
/// <para>
/// The text for people and some headers come from templates (bounce_template_file, bounce(5)); one that cannot be used is warned of, and the
/// program's own takes its place.
/// </para>
/// <para>
/// Header and body checks look into it where internal_mail_filter_classes says so. While they reject it, or their tables cannot answer, the
/// message waits.
/// </para>
/// <para>
/// Limits: a message above bounce_size_limit comes back as its headers. Copies to the postmaster (notify_classes), and so their class of
/// internal_mail_filter_classes, and VERP are not available in this version. See also: qmgr(8), RFC 3461, RFC 6533.
/// </para>
/// </summary>
/// <param name="expansion">Aliases of the sender, who becomes the recipient; null when reports go to the sender's address as it is.</param>
/// <param name="checks">What looks into reports; null for nothing.</param>
public sealed class BounceService(
    Settings settings, MailLog log, TimeProvider time, IRecipientExpansion? expansion = null, IInternalMailChecks? checks = null) : INotifications
{
    private const string Tag = "bounce";

    private readonly ReportText text = new(ReportText.Load(settings, log), settings, log);
    private readonly string hostname = settings.Get(Parameters.Myhostname);
    private readonly string myorigin = settings.Get(Parameters.Myorigin);
    private readonly bool asOfOld = settings.Get(Parameters.HeaderFromFormat).Equals("obsolete", StringComparison.OrdinalIgnoreCase);
    private readonly bool threaded = settings.Get(Parameters.EnableThreadedBounces);
    private readonly string mailName = settings.Get(Parameters.MailName);
    private readonly string doubleBounce = settings.Get(Parameters.DoubleBounceSender);
    private readonly long sizeLimit = settings.Get(Parameters.BounceSizeLimit);
    private readonly IInternalMailChecks? checks = IsInspected(settings) ? checks : null;
    private readonly TimeSpan lifetime = settings.Get(Parameters.MaximalQueueLifetime);

    public async ValueTask<Notification> BuildAsync(
        NotificationKind kind,
        Envelope envelope,
        IMessageContent content,
        IReadOnlyList<RecipientOutcome> outcomes,
        Func<QueueId> nextId,
        CancellationToken cancellationToken)
    {
        var wanted = outcomes.Where(o => Wants(o.Recipient.Notify, kind)).ToList();
        if (wanted.Count == 0 || envelope.Sender.Length == 0)
        {
            return default;
        }

        if (IsDoubleBounce(envelope.Sender))
        {
            log.Warning(Tag, $"{envelope.Id}: undeliverable postmaster notification discarded");
            return default;
        }

        ReturnedContent returned;
        try
        {
            returned = await ReturnedContent.ReadAsync(content, WholeMessage(kind, envelope) ? sizeLimit : 0, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            // The report tells what became of the mail also without it.
            log.Warning(Tag, $"{envelope.Id}: the message cannot be returned: {e.Message}");
            returned = ReturnedContent.None;
        }

        var id = nextId();
        var recipient = new Recipient { Number = 0, Address = envelope.Sender, Notify = DsnNotify.Never };
        IReadOnlyList<Recipient> recipients = expansion is null
            ? [recipient]
            : await expansion.ExpandAsync(id.ToString(), recipient, cancellationToken).ConfigureAwait(false);
        var report = Assemble(kind, envelope, wanted, returned, id);
        if (checks is null)
        {
            return new Notification(Message(envelope, id, new InspectedMail(InspectionOutcome.Passed, report, recipients)));
        }

        var inspected = await checks.InspectAsync(id.ToString(), recipients, report, cancellationToken).ConfigureAwait(false);
        return new Notification(
            inspected.Outcome == InspectionOutcome.Passed ? Message(envelope, id, inspected) : null, inspected.Outcome == InspectionOutcome.Refused);
    }

    /// <summary>internal_mail_filter_classes has what is made here.</summary>
    private static bool IsInspected(Settings settings)
    {
        foreach (var name in new ListTokens(settings.Get(Parameters.InternalMailFilterClasses)))
        {
            if (name.Equals("bounce", StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>RFC 3461 section 4.1; without NOTIFY, failures and delays are told.</summary>
    private static bool Wants(DsnNotify notify, NotificationKind kind) => kind switch
    {
        NotificationKind.NonDelivery => notify == DsnNotify.Default || (notify & DsnNotify.Failure) != 0,
        NotificationKind.Delay => notify == DsnNotify.Default || (notify & DsnNotify.Delay) != 0,
        _ => (notify & DsnNotify.Success) != 0,
    };

    // RFC 3461 section 4.3: the whole message only with a failure.
    private static bool WholeMessage(NotificationKind kind, Envelope envelope) => kind == NotificationKind.NonDelivery && envelope.Return != DsnReturn.Headers;

    private bool IsDoubleBounce(string sender)
    {
        var at = sender.LastIndexOf('@');
        return sender.AsSpan(0, at < 0 ? sender.Length : at).Equals(doubleBounce, StringComparison.OrdinalIgnoreCase);
    }

    private byte[] Assemble(NotificationKind kind, Envelope envelope, List<RecipientOutcome> outcomes, ReturnedContent returned, QueueId id)
    {
        var international = (envelope.Flags & EnvelopeFlags.SmtpUtf8) != 0;
        var now = time.GetUtcNow();
        using var report = new Multipart("report");
        report.Boundary = $"{envelope.Id}.{now.ToUnixTimeSeconds()}/{hostname}";
        report.Preamble = "This is a MIME-encapsulated message.";
        report.Add(Notification(kind, outcomes, international));
        report.Add(Part(
            "Delivery report",
            "message",
            international ? "global-delivery-status" : "delivery-status",
            Encoding.UTF8.GetBytes(new StatusFields(hostname, envelope, international, time).Write(kind, outcomes, envelope.Id.Time + lifetime))));
        if (returned.Bytes.Length > 0)
        {
            report.Add(ReturnedPart(kind, envelope, returned, international));
        }

        var options = FormatOptions.Default.Clone();
        options.NewLineFormat = NewLineFormat.Unix;
        options.International = international;
        using var stream = new MemoryStream();
        stream.Write(Encoding.UTF8.GetBytes(Headers(kind, envelope, report, id, now)));
        report.WriteTo(options, stream, contentOnly: true);
        return stream.ToArray();
    }

    private NewMessage Message(Envelope envelope, QueueId id, InspectedMail report) => new()
    {
        Envelope = new Envelope
        {
            Id = id,
            Sender = "",
            Size = report.Content.Length,
            Flags = EnvelopeFlags.Internal
                | (envelope.Flags & EnvelopeFlags.SmtpUtf8)
                | (Ascii.IsValid(report.Content.Span) ? EnvelopeFlags.None : EnvelopeFlags.EightBit),
            MessageId = MessageId(id),
            Filter = report.Filter,
            RecipientCount = report.Recipients.Count,
        },
        Recipients = report.Recipients,
        Content = report.Content,
        Hold = report.Hold,
        Owned = report.Hold == HoldReason.None,
    };

    private string Headers(NotificationKind kind, Envelope envelope, Multipart report, QueueId id, DateTimeOffset now)
    {
        var date = MailDates.Format(now, time.LocalTimeZone);

        // RFC 5322 section 3.6.4: mail readers then show the report below the message.
        var thread = threaded && envelope.MessageId is { Length: > 0 } original && !original.AsSpan().ContainsAny('\r', '\n')
            ? $"References: {original}\nIn-Reply-To: {original}\n"
            : "";
        var eightBit = report.OfType<MimePart>().Any(p => p.ContentTransferEncoding == ContentEncoding.EightBit);
        return $"""
            Received: by {hostname} ({mailName})
            	id {id}; {date}
            Date: {date}
            {From(text.Template(kind).From)}
            Subject: {text.Template(kind).Subject}
            To: {AddressQuoting.ToExternal(envelope.Sender)}
            Auto-Submitted: auto-replied
            MIME-Version: 1.0
            Content-Type: multipart/report; report-type=delivery-status;
            	boundary="{report.Boundary}"
            {thread}{(eightBit ? "Content-Transfer-Encoding: 8bit\n" : "")}Message-Id: {MessageId(id)}


            """.ReplaceLineEndings("\n");
    }

    private string MessageId(QueueId id) => $"<{id}@{hostname}>";

    /// <summary>As with any mail of this host, an address without a domain gets $myorigin.</summary>
    private string From(string value)
    {
        value = asOfOld && value == BounceTemplates.Sender ? BounceTemplates.SenderAsOfOld : value;
        return AddressHeader.Rewrite("From", value, (address, _) => address.Length == 0 || address.Contains('@') ? address : $"{address}@{myorigin}") ?? $"From: {value}";
    }

    private MimePart Notification(NotificationKind kind, IReadOnlyList<RecipientOutcome> outcomes, bool international)
    {
        var content = text.Notification(kind, outcomes);
        var part = Part("Notification", "text", "plain", content);
        var charset = text.Template(kind).Charset;
        var isPlain = charset.Equals("us-ascii", StringComparison.OrdinalIgnoreCase);
        part.ContentType.Charset = isPlain && (international || !Ascii.IsValid(content)) ? "utf-8" : charset;
        return part;
    }

    private static MimePart Part(string description, string type, string subtype, byte[] content)
    {
        var part = new MimePart(type, subtype)
        {
            Content = new MimeContent(new MemoryStream(content)),
        };
        part.Headers.Insert(0, HeaderId.ContentDescription, description);
        if (!Ascii.IsValid(content))
        {
            part.ContentTransferEncoding = ContentEncoding.EightBit;
        }

        return part;
    }

    private static MimePart ReturnedPart(NotificationKind kind, Envelope envelope, ReturnedContent returned, bool international)
    {
        var prefix = Encoding.UTF8.GetBytes($"Return-Path: <{AddressQuoting.ToExternal(envelope.Sender)}>\n");
        var part = returned.IsWhole
            ? new MimePart("message", international ? "global" : "rfc822")
            : new MimePart(international ? "message" : "text", international ? "global-headers" : "rfc822-headers");
        var description = returned.IsWhole ? kind == NotificationKind.NonDelivery ? "Undelivered Message" : "Message"
            : kind == NotificationKind.NonDelivery ? "Undelivered Message Headers" : "Message Headers";
        part.Headers.Insert(0, HeaderId.ContentDescription, description);
        if (returned.Bytes.AsSpan().ContainsAnyExceptInRange((byte)0, (byte)127))
        {
            part.ContentTransferEncoding = ContentEncoding.EightBit;
        }

        // As it is: the returned message is not parsed and written anew.
        part.Content = new MimeContent(new MemoryStream([.. prefix, .. returned.Bytes]));
        return part;
    }
}
