using System.Buffers;
using System.Globalization;
using System.Text;
using Mta.Core.Addresses;

namespace Mta.Core.Showq;

/// <summary>The listing of <c>postqueue -j</c>: one JSON object a line, spaced as Postfix spaces it. Our own key, node, comes last.</summary>
public sealed class MailqJson : IQueueListing
{
    private readonly StringBuilder text = new();
    private bool open;
    private bool hasRecipient;
    private string? node;

    public void Message(in ListedMessage message, IBufferWriter<byte> output)
    {
        Close();
        text.Append("{\"queue_name\": ");
        AppendString(message.Queue);
        text.Append(", \"queue_id\": ");
        AppendString(message.Id.ToString());
        text.Append(CultureInfo.InvariantCulture, $", \"arrival_time\": {message.Id.Time.ToUnixTimeSeconds()}, \"message_size\": {message.Size}");
        text.Append(", \"forced_expire\": ").Append(message.ForcedExpire ? "true" : "false").Append(", \"sender\": ");
        AppendString(message.ShownSender);
        text.Append(", \"recipients\": [");
        open = true;
        hasRecipient = false;
        node = message.Node;
        Flush(output);
    }

    public void Recipient(string address, string? original, string? reason, IBufferWriter<byte> output)
    {
        text.Append(hasRecipient ? ", {" : "{");
        hasRecipient = true;
        if (original is not null)
        {
            text.Append("\"orig_address\": ");
            AppendString(AddressQuoting.ToExternal(original));
            text.Append(", ");
        }

        text.Append("\"address\": ");
        AppendString(AddressQuoting.ToExternal(address));
        if (!string.IsNullOrEmpty(reason))
        {
            text.Append(", \"delay_reason\": ");
            AppendString(reason);
        }

        text.Append('}');
        Flush(output);
    }

    public void End(IBufferWriter<byte> output)
    {
        Close();
        Flush(output);
    }

    private void Close()
    {
        if (!open)
        {
            return;
        }

        text.Append(']');
        if (node is not null)
        {
            text.Append(", \"node\": ");
            AppendString(node);
        }

        text.Append("}\n");
        open = false;
    }

    private void AppendString(string value)
    {
        text.Append('"');
        foreach (var c in value)
        {
            switch (c)
            {
                case '"' or '\\':
                    text.Append('\\').Append(c);
                    break;
                default:
                    text.Append(char.IsControl(c) ? '?' : c);
                    break;
            }
        }

        text.Append('"');
    }

    private void Flush(IBufferWriter<byte> output)
    {
        foreach (var chunk in text.GetChunks())
        {
            Encoding.UTF8.GetBytes(chunk.Span, output);
        }

        text.Clear();
    }
}
