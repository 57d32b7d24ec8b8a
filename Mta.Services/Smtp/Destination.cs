using System.Globalization;
using System.Net;
using System.Text;

namespace Mta.Services.Smtp;

/// <summary>One next hop as it was written, taken apart.</summary>
/// <param name="Host">A domain, a host, or an address without brackets; the path of a Unix socket.</param>
internal sealed record Destination(string Host, int Port, DestinationKind Kind, IPAddress? Address)
{
    /// <summary>The forms of a next hop, several separated by commas or blanks. A description that means nothing gives its error instead.</summary>
    public static (IReadOnlyList<Destination> Destinations, string? Error) ParseList(string text, RoutingOptions options, bool lmtp)
    {
        var result = new List<Destination>();
        foreach (var word in text.Split([' ', ',', '\t'], StringSplitOptions.RemoveEmptyEntries))
        {
            var (destination, error) = Parse(word, options, lmtp);
            if (destination is null)
            {
                return (result, error);
            }

            result.Add(destination);
        }

        return (result, result.Count == 0 ? $"null destination: \"{text}\"" : null);
    }

    private static (Destination? Destination, string? Error) Parse(string word, RoutingOptions options, bool lmtp)
    {
        var text = word;
        if (lmtp && text.StartsWith("unix:", StringComparison.Ordinal))
        {
            var path = Path.Combine(options.QueueDirectory, text[5..]);
            return Encoding.UTF8.GetByteCount(path) < 108
                ? (new Destination(path, 0, DestinationKind.UnixSocket, null), null)
                : (null, $"unix-domain name too long: {path}");
        }

        if (lmtp && text.StartsWith("inet:", StringComparison.Ordinal))
        {
            text = text[5..];
        }

        var port = options.DefaultPort;
        string host;
        var bracketed = text.StartsWith('[');
        if (bracketed)
        {
            var end = text.IndexOf(']', StringComparison.Ordinal);
            var rest = end < 0 ? "" : text[(end + 1)..];
            if (end < 0 || (rest.Length > 0 && rest[0] != ':'))
            {
                return (null, $"malformed server description: {word}");
            }

            host = text[1..end];
            port = rest.Length > 1 ? rest[1..] : port;
        }
        else
        {
            var colon = text.LastIndexOf(':');
            host = colon < 0 ? text : text[..colon];
            port = colon < 0 || colon == text.Length - 1 ? port : text[(colon + 1)..];
        }

        if (host.Length == 0)
        {
            return (null, $"missing host name in server description: {word}");
        }

        return PortOf(port) is { } number
            ? (new Destination(host, number, bracketed || lmtp ? DestinationKind.Host : DestinationKind.Domain, AddressOf(host)), null)
            : (null, $"unknown service: {port}/tcp");
    }

    private static IPAddress? AddressOf(string host)
    {
        var literal = host.StartsWith("ipv6:", StringComparison.OrdinalIgnoreCase) ? host[5..] : host;
        return (literal.Contains(':', StringComparison.Ordinal) || (literal.Length > 0 && char.IsAsciiDigit(literal[^1]) && literal.Split('.').Length == 4))
            && IPAddress.TryParse(literal, out var address) ? address : null;
    }

    private static int? PortOf(string port) =>
        int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? (number is > 0 and < 65536 ? number : null)
            : port switch
            {
                "smtp" => 25,
                "lmtp" => 24,
                "smtps" or "submissions" => 465,
                "submission" => 587,
                _ => null,
            };
}

internal enum DestinationKind : byte
{
    /// <summary>Mail exchangers are looked up.</summary>
    Domain,
    /// <summary>Its addresses are looked up.</summary>
    Host,
    UnixSocket,
}
