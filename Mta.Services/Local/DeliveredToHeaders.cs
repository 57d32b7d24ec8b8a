using System.Text;
using Mta.Core.Addresses;
using Mta.Services.Clients;

namespace Mta.Services.Local;

/// <summary>
/// The addresses in the Delivered-To headers of a message. One that is there already has had this message: delivering it again
/// would be a loop of forwarding.
/// </summary>
internal sealed class DeliveredToHeaders
{
    // A header section larger than this is not searched further; header_size_limit bounds each header to 100 KB.
    private const int SearchLimit = 1024 * 1024;

    private readonly HashSet<string> addresses = new(StringComparer.OrdinalIgnoreCase);

    private static ReadOnlySpan<byte> Name => "delivered-to:"u8;

    public static async ValueTask<DeliveredToHeaders> ReadAsync(IMessageContent content, CancellationToken cancellationToken)
    {
        var headers = new DeliveredToHeaders();
        if (content.TryGetBytes(out var bytes))
        {
            headers.Scan(bytes.Span);
            return headers;
        }

        var start = new MemoryStream();
        await foreach (var part in content.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            start.Write(part.Span);
            if (start.Length >= SearchLimit || start.GetBuffer().AsSpan(0, (int)start.Length).IndexOf("\n\n"u8) >= 0)
            {
                break;
            }
        }

        headers.Scan(start.GetBuffer().AsSpan(0, (int)start.Length));
        return headers;
    }

    /// <param name="address">In internal form.</param>
    public bool Contains(string address) => addresses.Count > 0 && addresses.Contains(address);

    private void Scan(ReadOnlySpan<byte> content)
    {
        while (!content.IsEmpty)
        {
            var end = content.IndexOf((byte)'\n');
            var line = end < 0 ? content : content[..end];
            if (line.IsEmpty)
            {
                return;
            }

            if (line.Length > Name.Length && Ascii.EqualsIgnoreCase(line[..Name.Length], Name))
            {
                addresses.Add(AddressQuoting.ToInternal(Encoding.UTF8.GetString(line[Name.Length..]).Trim()));
            }

            content = end < 0 ? [] : content[(end + 1)..];
        }
    }
}
