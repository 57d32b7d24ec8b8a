using Mta.Services.Clients;

namespace Mta.Services.Bounce;

/// <summary>What of a message goes back to its sender.</summary>
/// <param name="IsWhole">The message; else its headers only.</param>
internal sealed record ReturnedContent(byte[] Bytes, bool IsWhole)
{
    /// <summary>Headers are cut here: a report is for people.</summary>
    private const int HeaderLimit = 102_400;

    public static ReturnedContent None { get; } = new([], false);

    /// <param name="wholeLimit">Bytes up to which the message is returned whole; above it, and with 0, only its headers are read.</param>
    public static async ValueTask<ReturnedContent> ReadAsync(IMessageContent content, long wholeLimit, CancellationToken cancellationToken)
    {
        var whole = content.Length <= wholeLimit;
        using var bytes = new MemoryStream();
        await foreach (var part in content.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            bytes.Write(part.Span);
            if (!whole && (bytes.Length >= HeaderLimit || EndOfHeaders(bytes) >= 0))
            {
                break;
            }
        }

        if (whole)
        {
            return new ReturnedContent(bytes.ToArray(), true);
        }

        var end = EndOfHeaders(bytes);
        return new ReturnedContent(bytes.GetBuffer()[..(int)(end >= 0 ? end : Math.Min(bytes.Length, HeaderLimit))], false);
    }

    private static int EndOfHeaders(MemoryStream bytes)
    {
        var span = bytes.GetBuffer().AsSpan(0, (int)bytes.Length);
        var end = span.StartsWith("\n"u8) ? -1 : span.IndexOf("\n\n"u8);
        return end < 0 ? end : end + 1;
    }
}
