using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Mta.Core.Lookup;

/// <summary>An address or a network, <c>192.0.2.0/24</c> or <c>[2001:db8::]/32</c>; matches without allocation.</summary>
public readonly struct NetworkPattern
{
    private static readonly SearchValues<char> IPv6Characters = SearchValues.Create("0123456789abcdefABCDEF:.");

    private readonly UInt128 network;
    private readonly byte prefix;
    private readonly bool isIPv6;

    private NetworkPattern(UInt128 network, byte prefix, bool isIPv6)
    {
        this.network = network;
        this.prefix = prefix;
        this.isIPv6 = isIPv6;
    }

    /// <summary>Reads <c>address</c>, <c>address/prefix</c>, and both with the address in brackets.</summary>
    /// <returns>The reason why it is no pattern; null when it is one.</returns>
    public static string? TryParse(ReadOnlySpan<char> text, out NetworkPattern pattern)
    {
        pattern = default;
        if (text is ['[', ..])
        {
            var close = text.IndexOf(']');
            if (close < 0)
            {
                return $"missing ']' character after \"{text}\"";
            }

            var rest = text[(close + 1)..];
            if (!rest.IsEmpty && rest[0] != '/')
            {
                return $"garbage after \"{text[..(close + 1)]}\"";
            }

            text = string.Concat(text[1..close], rest);
        }

        var slash = text.IndexOf('/');
        var address = slash < 0 ? text : text[..slash];
        var mask = slash < 0 ? [] : text[(slash + 1)..];
        var isIPv6 = address.Contains(':');
        var bits = isIPv6 ? 128 : 32;
        var prefix = bits;
        if (slash >= 0 && (mask.IsEmpty || mask.ContainsAnyExceptInRange('0', '9')))
        {
            return $"bad mask value in \"{text}\"";
        }

        if (slash >= 0 && (!int.TryParse(mask, NumberStyles.None, CultureInfo.InvariantCulture, out prefix) || prefix > bits))
        {
            return $"bad mask length in \"{text}\"";
        }

        if (!TryReadAddress(address, out var value))
        {
            return slash >= 0 ? $"bad network value in \"{text}\"" : $"bad address pattern: \"{text}\"";
        }

        var masked = Mask(value, prefix, bits);
        if (masked != value)
        {
            return $"non-null host address bits in \"{text}\", perhaps you should use \"{Format(masked, isIPv6)}/{prefix}\" instead";
        }

        pattern = new NetworkPattern(masked, (byte)prefix, isIPv6);
        return null;
    }

    /// <summary>
    /// Compares with an address as text. One of the other family, and what inet_pton(3) does not take, gives null; IPv4 in IPv6 clothes is IPv6
    /// here, as it is for cidr_table(5).
    /// </summary>
    public bool? Contains(ReadOnlySpan<char> address) =>
        address.Contains(':') == isIPv6 && TryReadAddress(address, out var value) ? Mask(value, prefix, isIPv6 ? 128 : 32) == network : null;

    /// <summary>True when the address is within; IPv4 in IPv6 clothes counts as IPv4.</summary>
    public bool Contains(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        if (length == 16 && address.IsIPv4MappedToIPv6)
        {
            return !isIPv6 && Mask(BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]), prefix, 32) == network;
        }

        return isIPv6
            ? length == 16 && Mask(BinaryPrimitives.ReadUInt128BigEndian(bytes), prefix, 128) == network
            : length == 4 && Mask(BinaryPrimitives.ReadUInt32BigEndian(bytes), prefix, 32) == network;
    }

    private static UInt128 Mask(UInt128 value, int prefix, int bits) => prefix == 0 ? 0 : value >> (bits - prefix) << (bits - prefix);

    private static bool TryReadAddress(ReadOnlySpan<char> text, out UInt128 value)
    {
        value = 0;
        if (!text.Contains(':'))
        {
            return TryReadIPv4(text, out value);
        }

        // IPAddress also reads a scope, brackets and a port, which have no place here.
        if (text.ContainsAnyExcept(IPv6Characters) || !IPAddress.TryParse(text, out var address)
            || address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        value = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return true;
    }

    /// <summary>Four decimal numbers, as inet_pton(3): IPAddress would also take <c>127.1</c> and octal numbers.</summary>
    private static bool TryReadIPv4(ReadOnlySpan<char> text, out UInt128 value)
    {
        value = 0;
        var count = 0;
        foreach (var range in text.Split('.'))
        {
            var part = text[range];
            if (++count > 4 || part.Length > 3 || (part.Length > 1 && part[0] == '0')
                || !byte.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var octet))
            {
                return false;
            }

            value = (value << 8) | octet;
        }

        return count == 4;
    }

    private static string Format(UInt128 value, bool isIPv6)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
        return new IPAddress(isIPv6 ? bytes : bytes[12..]).ToString();
    }
}
