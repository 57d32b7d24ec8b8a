using System.Buffers;
using System.Net;
using System.Net.Sockets;

namespace Mta.Core.Addresses;

/// <summary>What may stand behind the <c>@</c>: host and domain names (RFC 1123, RFC 5890 for 8-bit text) and address literals (RFC 5321 section 4.1.3).</summary>
public static class HostnameSyntax
{
    private const int LongestName = 255;
    private const int LongestLabel = 63;

    // The underscore is no letter of a host name, but names with it exist and are delivered to.
    private static readonly SearchValues<char> LabelAscii = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

    private static readonly SearchValues<char> Numeric = SearchValues.Create("0123456789.");

    /// <summary>True for labels of letters, digits, <c>-</c> and <c>_</c>, separated by single dots, not all numeric. 8-bit text counts as letters.</summary>
    public static bool IsHostname(ReadOnlySpan<char> name)
    {
        if (name.IsEmpty || name.Length > LongestName || !name.ContainsAnyExcept(Numeric))
        {
            return false;
        }

        while (true)
        {
            var dot = name.IndexOf('.');
            var label = dot < 0 ? name : name[..dot];
            if (!IsLabel(label))
            {
                return false;
            }

            if (dot < 0)
            {
                return true;
            }

            name = name[(dot + 1)..];
        }
    }

    /// <summary>True for <c>[192.0.2.1]</c> and <c>[IPv6:2001:db8::1]</c>.</summary>
    public static bool IsAddressLiteral(ReadOnlySpan<char> text) => text is ['[', .. var inner, ']'] && TryReadLiteral(inner, out _);

    /// <summary>Reads what stands between the brackets of an address literal.</summary>
    public static bool TryReadLiteral(ReadOnlySpan<char> inner, out IPAddress? address)
    {
        const string tag = "IPv6:";
        address = null;
        return inner.StartsWith(tag, StringComparison.OrdinalIgnoreCase)
            ? IsAddress(inner[tag.Length..], AddressFamily.InterNetworkV6, out address)
            : IsAddress(inner, AddressFamily.InterNetwork, out address);
    }

    /// <summary>True for an address without brackets, as inet_pton(3) reads it.</summary>
    public static bool IsAddress(ReadOnlySpan<char> text) =>
        IsAddress(text, text.Contains(':') ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, out _);

    private static bool IsAddress(ReadOnlySpan<char> text, AddressFamily family, out IPAddress? address)
    {
        // IPAddress also reads shortened and octal IPv4, ports, brackets and scopes, which have no place here.
        var dots = text.Count('.');
        if (text.ContainsAny("[]%") || (family == AddressFamily.InterNetwork && (dots != 3 || text.ContainsAnyExcept(Numeric))))
        {
            address = null;
            return false;
        }

        return IPAddress.TryParse(text, out address) && address.AddressFamily == family;
    }

    private static bool IsLabel(ReadOnlySpan<char> label)
    {
        if (label.IsEmpty || label.Length > LongestLabel || label[0] == '-' || label[^1] == '-')
        {
            return false;
        }

        foreach (var c in label)
        {
            if (c < 128 && !LabelAscii.Contains(c))
            {
                return false;
            }
        }

        return true;
    }
}
