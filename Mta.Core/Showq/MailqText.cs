using System.Buffers;
using System.Globalization;
using System.Text;
using Mta.Core.Addresses;

namespace Mta.Core.Showq;

/// <summary>The listing that mailq(1) prints, in the layout of long queue ids.</summary>
/// <param name="zone">Arrival times are shown in it.</param>
public sealed class MailqText(TimeZoneInfo zone) : IQueueListing
{
    private const int ReasonColumn = 76;
    private const string NoReason = "reason unavailable";
    private static readonly string Indent = new(' ', 47);

    private readonly StringBuilder line = new();
    private string? lastReason;
    private long bytes;
    private int messages;

    public void Message(in ListedMessage message, IBufferWriter<byte> output)
    {
        line.Append(messages == 0 ? "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n" : "\n");
        messages++;
        bytes += message.Size;
        lastReason = null;
        var flag = message.ForcedExpire ? "#" : message.Queue switch
        {
            "active" => "*",
            "hold" => "!",
            _ => "",
        };
        var arrival = TimeZoneInfo.ConvertTime(message.Id.Time, zone);
        line.Append(CultureInfo.InvariantCulture, $"{message.Id.ToString() + flag,-17} {message.Size,8} {arrival:ddd MMM} {arrival.Day,2} {arrival:HH:mm:ss} ");
        AppendPrintable(message.ShownSender);
        line.Append('\n');
        Flush(output);
    }

    public void Recipient(string address, string? original, string? reason, IBufferWriter<byte> output)
    {
        // A reason is printed once for the recipients that share it.
        reason = string.IsNullOrEmpty(reason) ? lastReason is null ? null : NoReason : reason;
        if (reason is not null && reason != lastReason)
        {
            line.Append(' ', Math.Max(0, ReasonColumn - reason.Length)).Append('(');
            AppendPrintable(reason);
            line.Append(")\n");
            lastReason = reason;
        }

        line.Append(Indent);
        AppendPrintable(AddressQuoting.ToExternal(address));
        line.Append('\n');
        Flush(output);
    }

    public void End(IBufferWriter<byte> output)
    {
        line.Append(messages == 0
            ? "Mail queue is empty\n"
            : string.Create(CultureInfo.InvariantCulture, $"\n-- {bytes / 1024} Kbytes in {messages} Request{(messages == 1 ? "" : "s")}.\n"));
        Flush(output);
    }

    private void AppendPrintable(string text)
    {
        foreach (var c in text)
        {
            line.Append(char.IsControl(c) ? '?' : c);
        }
    }

    private void Flush(IBufferWriter<byte> output)
    {
        foreach (var chunk in line.GetChunks())
        {
            Encoding.UTF8.GetBytes(chunk.Span, output);
        }

        line.Clear();
    }
}
