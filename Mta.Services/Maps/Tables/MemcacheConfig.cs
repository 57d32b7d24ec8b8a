using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Mta.Core.Lookup.Queries;

namespace Mta.Services.Maps.Tables;

/// <summary>The parameters of a memcache_table(5).</summary>
/// <param name="Backup">The reference of the table behind it; empty for none.</param>
/// <param name="TimeToLive">Seconds that an update is kept.</param>
/// <param name="Pause">Before a failed command is tried again.</param>
internal sealed record MemcacheConfig(
    EndPoint Server, string Backup, int Flags, int TimeToLive, string KeyFormat, string Domains, int DataLimit, int LineLimit, int Tries, TimeSpan Pause, TimeSpan Timeout)
{
    private const string DefaultServer = "inet:localhost:11211";

    /// <summary>Reads the parameters by name; those that are not set are null.</summary>
    /// <returns>Null with the reason in <paramref name="problem"/>.</returns>
    public static MemcacheConfig? Read(Func<string, string?> get, out string? problem)
    {
        if (!ResultRules.TryNumber(get, "flags", 0, out var flags, out problem)
            || !ResultRules.TryNumber(get, "ttl", 3600, out var timeToLive, out problem, min: 1)
            || !ResultRules.TryNumber(get, "data_size_limit", 10240, out var dataLimit, out problem, min: 1)
            || !ResultRules.TryNumber(get, "line_size_limit", 1024, out var lineLimit, out problem, min: 1)
            || !ResultRules.TryNumber(get, "max_try", 2, out var tries, out problem, min: 1)
            || !ResultRules.TryNumber(get, "retry_pause", 1, out var pause, out problem, min: 1)
            || !ResultRules.TryNumber(get, "timeout", 2, out var timeout, out problem, min: 1))
        {
            return null;
        }

        var server = get("memcache") is { Length: > 0 } given ? given : DefaultServer;
        if (ReadServer(server) is not { } place)
        {
            problem = $"bad memcache server: {server} (need inet:host:port or unix:path)";
            return null;
        }

        return new MemcacheConfig(
            place, get("backup") ?? "", flags, timeToLive, get("key_format") is { Length: > 0 } format ? format : "%s", get("domain") ?? "",
            dataLimit, lineLimit, tries, TimeSpan.FromSeconds(pause), TimeSpan.FromSeconds(timeout));
    }

    private static EndPoint? ReadServer(string text)
    {
        if (text.StartsWith("unix:", StringComparison.Ordinal) && text.Length > 5)
        {
            return new UnixDomainSocketEndPoint(text[5..]);
        }

        var colon = text.LastIndexOf(':');
        return text.StartsWith("inet:", StringComparison.Ordinal) && colon > 5
            && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            ? new DnsEndPoint(text[5..colon].Trim('[', ']'), port)
            : null;
    }
}
