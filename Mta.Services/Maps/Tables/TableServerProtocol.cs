using System.Globalization;
using System.Text;
using Mta.Core.Lookup;

namespace Mta.Services.Maps.Tables;

/// <summary>How a table server is asked: tcp_table(5), lines with %xx, or socketmap_table(5), netstrings.</summary>
/// <param name="map">The name of the map for socketmap; null for tcp.</param>
internal sealed class TableServerProtocol(string? map)
{
    public byte[] Request(string key)
    {
        if (map is null)
        {
            return Encoding.ASCII.GetBytes($"get {Encode(key)}\n");
        }

        var text = Encoding.UTF8.GetBytes($"{map} {key}");
        return [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{text.Length}:")), .. text, (byte)','];
    }

    /// <summary>Where the answer is within what was received: its end, or 0 while it is not whole; negative when it never will be.</summary>
    public int Frame(ReadOnlySpan<byte> received, out ReadOnlySpan<byte> answer)
    {
        answer = [];
        var mark = received.IndexOf(map is null ? (byte)'\n' : (byte)':');
        if (mark < 0)
        {
            return map is not null && received.Length > 6 ? -1 : 0;
        }

        if (map is null)
        {
            answer = received[..mark];
            return mark + 1;
        }

        if (!int.TryParse(received[..mark], NumberStyles.None, CultureInfo.InvariantCulture, out var length))
        {
            return -1;
        }

        var end = mark + 1 + length;
        if (received.Length <= end)
        {
            return 0;
        }

        answer = received[(mark + 1)..end];
        return received[end] == ',' ? end + 1 : -1;
    }

    /// <summary>The meaning of an answer; null when it is not of the protocol.</summary>
    public LookupResult? Read(string answer)
    {
        var space = answer.IndexOf(' ', StringComparison.Ordinal);
        var status = space < 0 ? answer : answer[..space];
        var text = space < 0 ? "" : answer[(space + 1)..];
        return (map is null, status) switch
        {
            (true, "200") => LookupResult.Found(Uri.UnescapeDataString(text)),
            (true, "500") or (false, "NOTFOUND") => LookupResult.NotFound,
            (true, "400") => LookupResult.Failed(Uri.UnescapeDataString(text)),
            (false, "OK") => LookupResult.Found(text),
            (false, "TEMP" or "TIMEOUT" or "PERM") => LookupResult.Failed(text.Length > 0 ? text : status),
            _ => null,
        };
    }

    /// <summary>White space, control characters, % and what is not ASCII become %xx.</summary>
    private static string Encode(string key)
    {
        var text = new StringBuilder();
        foreach (var b in Encoding.UTF8.GetBytes(key))
        {
            if (b is > 32 and < 127 and not (byte)'%')
            {
                text.Append((char)b);
            }
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"%{b:x2}");
            }
        }

        return text.ToString();
    }
}
