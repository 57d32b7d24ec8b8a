namespace Mta.Services.Smtp;

/// <summary>The order in which addresses are tried.</summary>
internal static class AddressOrder
{
    /// <summary>
    /// By preference of the exchanger, within it by smtp_address_preference, else at random (smtp_randomize_addresses), cut to
    /// smtp_mx_address_limit such that both address families have their share (smtp_balance_inet_protocols).
    /// </summary>
    public static IReadOnlyList<HostAddress> Arrange(IReadOnlyList<HostAddress> found, RoutingOptions options)
    {
        if (found.Count < 2)
        {
            return found;
        }

        var hosts = found.ToArray();
        if (options.Randomize)
        {
            Random.Shared.Shuffle(hosts);
        }

        var sorted = hosts.OrderBy(host => host.Preference).ThenBy(host => FamilyRank(host, options)).ToList();
        return options.AddressLimit > 0 && sorted.Count > options.AddressLimit ? Cut(sorted, options) : sorted;
    }

    private static int FamilyRank(HostAddress host, RoutingOptions options) => options.AddressPreference switch
    {
        "ipv4" => host.IsIPv6 ? 1 : 0,
        "ipv6" => host.IsIPv6 ? 0 : 1,
        _ => 0,
    };

    private static List<HostAddress> Cut(List<HostAddress> sorted, RoutingOptions options)
    {
        var limit = options.AddressLimit;
        var v6 = sorted.Count(host => host.IsIPv6);
        var v4 = sorted.Count - v6;
        if (!options.Balance || v4 == 0 || v6 == 0 || limit < 2)
        {
            return sorted.GetRange(0, limit);
        }

        // Each family may fill what the other leaves of its half.
        var v4Share = Math.Min(v4, Math.Max(limit / 2, limit - v6));
        var v6Share = limit - v4Share;
        return [.. sorted.Where(host => host.IsIPv6 ? v6Share-- > 0 : v4Share-- > 0)];
    }
}
