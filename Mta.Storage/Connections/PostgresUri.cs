using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Npgsql;

namespace Mta.Storage.Connections;

/// <summary>
/// Reads <c>postgresql://user:password@host:port,host:port/database?keyword=value</c> as libpq does. System.Uri refuses
/// several hosts and an empty one, and Npgsql reads no URIs at all.
/// </summary>
internal static class PostgresUri
{
    private const string DefaultPort = "5432";

    public static bool IsUri(string text) =>
        text.StartsWith("postgresql://", StringComparison.Ordinal) || text.StartsWith("postgres://", StringComparison.Ordinal);

    public static bool TryParse(string text, [NotNullWhen(true)] out NpgsqlConnectionStringBuilder? connection, [NotNullWhen(false)] out string? problem)
    {
        connection = null;
        var keywords = new Dictionary<string, string>(StringComparer.Ordinal);
        var rest = text.AsSpan(text.IndexOf("://", StringComparison.Ordinal) + 3);
        if (rest.IndexOf('?') is >= 0 and var query)
        {
            if (!TryReadQuery(rest[(query + 1)..], keywords, out problem))
            {
                return false;
            }

            rest = rest[..query];
        }

        if (rest.IndexOf('/') is >= 0 and var slash)
        {
            SetUnlessGiven(keywords, "dbname", rest[(slash + 1)..]);
            rest = rest[..slash];
        }

        if (rest.LastIndexOf('@') is >= 0 and var at)
        {
            var user = rest[..at];
            var colon = user.IndexOf(':');
            SetUnlessGiven(keywords, "user", colon < 0 ? user : user[..colon]);
            if (colon >= 0)
            {
                SetUnlessGiven(keywords, "password", user[(colon + 1)..]);
            }

            rest = rest[(at + 1)..];
        }

        var hosts = new List<string>();
        var ports = new List<string>();
        foreach (var part in rest.ToString().Split(','))
        {
            SplitHost(part, out var host, out var port);
            hosts.Add(Uri.UnescapeDataString(host));
            ports.Add(port);
        }

        // A list in the query replaces the one before the path: that is how a socket directory is named without escaping it.
        if (keywords.Remove("host", out var hostList))
        {
            hosts = [.. hostList.Split(',')];
        }

        if (keywords.Remove("port", out var portList))
        {
            ports = [.. portList.Split(',')];
        }

        return TryBuild(hosts, ports, keywords, out connection, out problem);
    }

    private static bool TryBuild(
        List<string> hosts, List<string> ports, Dictionary<string, string> keywords, [NotNullWhen(true)] out NpgsqlConnectionStringBuilder? connection, [NotNullWhen(false)] out string? problem)
    {
        connection = null;
        if (hosts.Any(h => h.Length == 0))
        {
            problem = "database_url names no host (a socket directory goes into ?host=/directory)";
            return false;
        }

        if (ports.Count != 1 && ports.Count != hosts.Count)
        {
            problem = $"database_url has {hosts.Count} hosts and {ports.Count} ports";
            return false;
        }

        var builder = new NpgsqlConnectionStringBuilder();
        for (var i = 0; i < hosts.Count; i++)
        {
            var port = ports[ports.Count == 1 ? 0 : i];
            port = port.Length == 0 ? DefaultPort : port;
            if (!ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number == 0)
            {
                problem = $"database_url has a bad port: {port}";
                return false;
            }

            if (hosts.Count == 1)
            {
                builder.Host = hosts[0];
                builder.Port = number;
            }
            else
            {
                var host = hosts[i].Contains(':', StringComparison.Ordinal) ? $"[{hosts[i]}]" : hosts[i];
                builder.Host = (i == 0 ? "" : builder.Host + ",") + $"{host}:{port}";
            }
        }

        if (!LibpqKeywords.TryApply(keywords, builder, out problem))
        {
            return false;
        }

        connection = builder;
        return true;
    }

    private static void SplitHost(string part, out string host, out string port)
    {
        // [::1]:5432, [::1], host:5432, host
        var bracket = part.LastIndexOf(']');
        var colon = part.IndexOf(':', bracket + 1);
        host = (colon < 0 ? part : part[..colon]).Trim('[', ']');
        port = colon < 0 ? "" : part[(colon + 1)..];
    }

    private static void SetUnlessGiven(Dictionary<string, string> keywords, string name, ReadOnlySpan<char> value)
    {
        if (value.Length > 0)
        {
            keywords.TryAdd(name, Uri.UnescapeDataString(value));
        }
    }

    private static bool TryReadQuery(ReadOnlySpan<char> query, Dictionary<string, string> keywords, [NotNullWhen(false)] out string? problem)
    {
        foreach (var range in query.Split('&'))
        {
            var pair = query[range];
            if (pair.IsEmpty)
            {
                continue;
            }

            var equals = pair.IndexOf('=');
            if (equals <= 0)
            {
                problem = "database_url has a keyword without value";
                return false;
            }

            keywords[Uri.UnescapeDataString(pair[..equals])] = Uri.UnescapeDataString(pair[(equals + 1)..]);
        }

        problem = null;
        return true;
    }
}
