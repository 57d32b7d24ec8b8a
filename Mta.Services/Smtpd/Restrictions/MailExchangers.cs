using Mta.Core.Addresses;
using Mta.Services.Dns;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>MX records as restrictions read them.</summary>
internal static class MailExchangers
{
    /// <summary>Records of one answer that are looked at; a domain may have named thousands.</summary>
    private const int Most = 100;

    /// <summary>The domain takes no mail (RFC 7505).</summary>
    public static bool IsNull(DnsAnswer<MailExchanger> answer)
    {
        foreach (var record in answer.Records)
        {
            if (record.Exchange.Length == 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The exchangers whose names can be names. An address in place of a name breaks RFC 1035, and is heard with a warning.</summary>
    public static List<MailExchanger> Read(CheckContext context, string domain, DnsAnswer<MailExchanger> answer)
    {
        var usable = new List<MailExchanger>();
        foreach (var record in answer.Records.Take(Most))
        {
            if (HostnameSyntax.IsHostname(record.Exchange))
            {
                usable.Add(record);
            }
            else if (HostnameSyntax.IsAddress(record.Exchange))
            {
                Report(context, domain, record.Exchange, "numeric");
                usable.Add(record);
            }
            else
            {
                Report(context, domain, record.Exchange, "malformed");
            }
        }

        return usable;
    }

    private static void Report(CheckContext context, string domain, string exchange, string what)
    {
        var session = context.Session;
        if (context.Dns.Report($"{domain} MX {exchange}"))
        {
            session.Log.Warning(session.Tag, $"{what} domain name in resource data of MX record for {domain}: {exchange}");
        }
    }
}
