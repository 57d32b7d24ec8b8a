using System.Globalization;
using System.Net;
using Mta.Core.Addresses;

namespace Mta.Services.Smtpd;

/// <summary>Addresses and ports as XCLIENT and XFORWARD write them.</summary>
internal static class ForwardedAddress
{
    private const string Ipv6Tag = "IPV6:";
    private const int LongestPort = 5;

    /// <summary>Reads <c>192.0.2.1</c>, with zeros in front of its numbers if need be, or <c>IPV6:2001:db8::1</c>.</summary>
    public static bool TryParse(string text, bool takesIpv6, out IPAddress address)
    {
        address = IPAddress.None;
        if (text.StartsWith(Ipv6Tag, StringComparison.OrdinalIgnoreCase))
        {
            var literal = text.AsSpan(Ipv6Tag.Length);
            if (!takesIpv6 || !literal.Contains(':') || !HostnameSyntax.IsAddress(literal) || !IPAddress.TryParse(literal, out var ipv6))
            {
                return false;
            }

            address = ipv6.IsIPv4MappedToIPv6 ? ipv6.MapToIPv4() : ipv6;
            return true;
        }

        Span<byte> bytes = stackalloc byte[4];
        var count = 0;
        foreach (var range in text.AsSpan().Split('.'))
        {
            if (count == bytes.Length || !byte.TryParse(text.AsSpan(range), NumberStyles.None, CultureInfo.InvariantCulture, out bytes[count++]))
            {
                return false;
            }
        }

        // 0.0.0.0 is an address, the rest of its network has none.
        address = new IPAddress(bytes);
        return count == bytes.Length && (bytes[0] != 0 || address.Equals(IPAddress.Any));
    }

    public static bool IsPort(string text) => text.Length is > 0 and <= LongestPort && !text.AsSpan().ContainsAnyExceptInRange('0', '9');
}
