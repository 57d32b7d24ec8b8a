using System.Collections.Concurrent;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Maps;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>What a snapshot says about the restrictions that ask the DNS or a table of their own.</summary>
internal sealed class DnsRules
{
    private readonly ConcurrentDictionary<string, byte> warned = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, BlockListDomain> lists = new(StringComparer.Ordinal);

    public DnsRules(Settings settings, TableRegistry tables)
    {
        var protocols = settings.Get(Parameters.InetProtocols);
        UseIPv4 = protocols.Contains("all", StringComparison.Ordinal) || protocols.Contains("ipv4", StringComparison.Ordinal);
        UseIPv6 = protocols.Contains("all", StringComparison.Ordinal) || protocols.Contains("ipv6", StringComparison.Ordinal);
        DefersUnknownAddress = Defers(settings, Parameters.UnknownAddressTempfailAction);
        DefersUnknownHelo = Defers(settings, Parameters.UnknownHeloHostnameTempfailAction);
        DefaultReply = settings.Get(Parameters.DefaultRblReply);
        ReplyMaps = tables.Open(settings, Parameters.RblReplyMaps);
        Filter = new ExpansionFilter(settings.Get(Parameters.SmtpdExpansionFilter));
        BackupNetworks = tables.OpenList(settings, Parameters.PermitMxBackupNetworks, MatchListKind.NamesAndAddresses);
        SenderLogins = tables.Open(settings, Parameters.SmtpdSenderLoginMaps);

        // By its text: as long as nobody can log in, the parameter does not count as honoured.
        HasLogins = settings.Text("smtpd_sasl_auth_enable") is "yes";
    }

    /// <summary>inet_protocols.</summary>
    public bool UseIPv4 { get; }

    public bool UseIPv6 { get; }

    /// <summary>unknown_address_tempfail_action is <c>defer</c>, not <c>defer_if_permit</c>.</summary>
    public bool DefersUnknownAddress { get; }

    /// <summary>unknown_helo_hostname_tempfail_action is <c>defer</c>, not <c>defer_if_permit</c>.</summary>
    public bool DefersUnknownHelo { get; }

    /// <summary>default_rbl_reply.</summary>
    public string DefaultReply { get; }

    /// <summary>rbl_reply_maps.</summary>
    public TableList ReplyMaps { get; }

    /// <summary>smtpd_expansion_filter.</summary>
    public ExpansionFilter Filter { get; }

    /// <summary>permit_mx_backup_networks.</summary>
    public ListMatcher BackupNetworks { get; }

    /// <summary>smtpd_sender_login_maps.</summary>
    public TableList SenderLogins { get; }

    /// <summary>Clients may be asked to log in: without it the restrictions about logins are ignored, as in Postfix.</summary>
    public bool HasLogins { get; }

    /// <summary>A list by the argument of its restriction; null when that is none, as <paramref name="problem"/> says.</summary>
    public BlockListDomain? BlockList(string argument, out string? problem)
    {
        problem = null;
        if (!lists.TryGetValue(argument, out var list) && (problem = BlockListDomain.Parse(argument, out list)) is null)
        {
            lists[argument] = list!;
        }

        return list;
    }

    /// <summary>True the first time for a restriction that should not be used any more.</summary>
    public bool WarnOnce(string restriction) => warned.TryAdd(restriction, 0);

    private static bool Defers(Settings settings, Parameter<string> parameter) =>
        settings.Get(parameter).Equals("defer", StringComparison.OrdinalIgnoreCase);
}
