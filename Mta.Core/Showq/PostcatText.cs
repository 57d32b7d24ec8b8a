using System.Buffers;
using System.Globalization;
using System.Text;
using Mta.Core.Addresses;
using Mta.Core.Queue;

namespace Mta.Core.Showq;

/// <summary>
/// Prints a message as postcat(1) prints a queue file: the records that Postfix would have written for it, and its content.
/// </summary>
/// <param name="parts">What to print.</param>
/// <param name="decimals">Whether each record begins with its type's number (-d).</param>
/// <param name="zone">Times are shown in it.</param>
public sealed class PostcatText(PostcatParts parts, bool decimals, TimeZoneInfo zone)
{
    // Record types of Postfix's queue files: rec_type.h.
    private const char Size = 'C';
    private const char Time = 'T';
    private const char Attribute = 'A';
    private const char Sender = 'S';
    private const char OriginalRecipient = 'O';
    private const char RecipientRecord = 'R';
    private const char Message = 'M';
    private const char Normal = 'N';
    private const char Extracted = 'X';
    private const char End = 'E';

    private bool inHeader = true;
    private bool lineStart = true;

    private bool ShowEnvelope => parts.HasFlag(PostcatParts.Envelope);

    /// <summary>What comes before the content.</summary>
    /// <param name="path">The queue and the id: <c>deferred/4jZ2tD4Y5Jz1000</c>.</param>
    public void Begin(string path, Envelope envelope, IReadOnlyList<Recipient> recipients, IBufferWriter<byte> output)
    {
        if (!ShowEnvelope)
        {
            return;
        }

        Write($"*** ENVELOPE RECORDS {path} ***\n", output);
        var utf8 = envelope.Flags.HasFlag(EnvelopeFlags.SmtpUtf8) ? 1 : 0;
        Record(Size, string.Create(CultureInfo.InvariantCulture, $"message_size: {envelope.Size,15} {0,15} {envelope.RecipientCount,15} {0,15} {envelope.Size,15} {utf8,15}"), output);
        var arrival = TimeZoneInfo.ConvertTime(envelope.Id.Time, zone);
        var date = string.Create(CultureInfo.InvariantCulture, $"{arrival:ddd MMM} {arrival.Day,2} {arrival:HH:mm:ss yyyy}");
        Record(Time, "message_arrival_time: " + date, output);
        Record(Attribute, "create_time: " + date, output);
        if (envelope.EnvelopeId is { } id)
        {
            Named("envelope_id", id, output);
        }

        if (envelope.Return != DsnReturn.Unspecified)
        {
            Named("ret_flags", ((int)envelope.Return).ToString(CultureInfo.InvariantCulture), output);
        }

        Named("rewrite_context", envelope.Protocol.Length == 0 ? "local" : "remote", output);
        if (envelope.Protocol.Length > 0)
        {
            Named("log_client_name", envelope.ClientName, output);
            Named("log_client_address", envelope.ClientAddress, output);
            Named("log_client_port", envelope.ClientPort.ToString(CultureInfo.InvariantCulture), output);
            Named("log_helo_name", envelope.Helo, output);
            Named("log_protocol_name", envelope.Protocol, output);
        }

        Record(Sender, "sender: " + AddressQuoting.ToExternal(envelope.Sender), output);
        foreach (var recipient in recipients)
        {
            if (recipient.OriginalRecipient is { } original)
            {
                Named("dsn_orig_rcpt", original, output);
            }

            if (recipient.Notify != DsnNotify.Default)
            {
                Named("notify_flags", ((int)recipient.Notify).ToString(CultureInfo.InvariantCulture), output);
            }

            Record(OriginalRecipient, "original_recipient: " + (recipient.Original ?? recipient.Address), output);
            Record(RecipientRecord, "recipient: " + AddressQuoting.ToExternal(recipient.Address), output);
        }

        Record(Message, $"*** MESSAGE CONTENTS {path} ***", output);
    }

    /// <summary>Content with LF line ends, cut anywhere. The empty line between header and body counts as body.</summary>
    public void Content(ReadOnlySpan<byte> content, IBufferWriter<byte> output)
    {
        while (content.Length > 0)
        {
            if (lineStart && inHeader && content[0] == (byte)'\n')
            {
                inHeader = false;
            }

            var end = content.IndexOf((byte)'\n') + 1;
            var line = end == 0 ? content : content[..end];
            content = content[line.Length..];
            if (parts.HasFlag(inHeader ? PostcatParts.Header : PostcatParts.Body))
            {
                if (lineStart)
                {
                    Prefix(Normal, output);
                }

                output.Write(line);
            }

            lineStart = end > 0;
        }
    }

    /// <summary>What comes after the content.</summary>
    public void Finish(string path, IBufferWriter<byte> output)
    {
        if (ShowEnvelope)
        {
            Record(Extracted, $"*** HEADER EXTRACTED {path} ***", output);
            Record(End, $"*** MESSAGE FILE END {path} ***", output);
        }
    }

    private void Named(string name, string value, IBufferWriter<byte> output) => Record(Attribute, $"named_attribute: {name}={value}", output);

    private void Record(char type, string text, IBufferWriter<byte> output)
    {
        Prefix(type, output);
        Write(text + "\n", output);
    }

    private void Prefix(char type, IBufferWriter<byte> output)
    {
        if (decimals)
        {
            Write(string.Create(CultureInfo.InvariantCulture, $"{(int)type,3} "), output);
        }
    }

    private static void Write(string text, IBufferWriter<byte> output) => Encoding.UTF8.GetBytes(text, output);
}
