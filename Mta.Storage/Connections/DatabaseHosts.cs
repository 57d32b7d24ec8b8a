using System.Globalization;
using Npgsql;

namespace Mta.Storage.Connections;

/// <summary>The servers of a connection string, in Npgsql's form: <c>host:port,[::1]:port,/socket/directory:port</c>, a port only where it differs.</summary>
internal static class DatabaseHosts
{
    /// <summary>A connection string for each server alone.</summary>
    public static List<NpgsqlConnectionStringBuilder> Split(NpgsqlConnectionStringBuilder all)
    {
        var each = new List<NpgsqlConnectionStringBuilder>();
        foreach (var part in all.Host!.Split(',', StringSplitOptions.TrimEntries))
        {
            var one = new NpgsqlConnectionStringBuilder(all.ConnectionString) { Host = part };
            var colon = part.LastIndexOf(':');
            var isPort = colon > part.LastIndexOf(']') && part.IndexOf(':', part.LastIndexOf(']') + 1) == colon;
            if (isPort && int.TryParse(part.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            {
                one.Host = part[..colon];
                one.Port = port;
            }

            each.Add(one);
        }

        return each;
    }
}
