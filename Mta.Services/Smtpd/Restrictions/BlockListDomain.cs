using System.Net;
using Mta.Core.Lookup;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>The argument of reject_rbl_client and its like: a domain of the DNS, and which of its answers count (<c>dnsbl.example=127.0.0.[2..5]</c>).</summary>
internal sealed class BlockListDomain
{
    private readonly OctetPattern? answers;

    private BlockListDomain(string domain, OctetPattern? answers)
    {
        Domain = domain;
        this.answers = answers;
    }

    public string Domain { get; }

    /// <summary>Gives what is wrong with the text; null when nothing is.</summary>
    public static string? Parse(string text, out BlockListDomain? result)
    {
        OctetPattern? answers = null;
        var divider = text.IndexOf('=', StringComparison.Ordinal);
        var problem = divider < 0 ? null : OctetPattern.Parse(text.AsSpan(divider + 1), out answers);
        result = problem is null ? new BlockListDomain(divider < 0 ? text : text[..divider], answers) : null;
        return problem is null ? null : "RBL reply error: " + problem;
    }

    /// <summary>One of the addresses says that what was asked for is listed.</summary>
    public bool Lists(IReadOnlyList<IPAddress> addresses)
    {
        if (answers is null)
        {
            return addresses.Count > 0;
        }

        foreach (var address in addresses)
        {
            if (answers.Matches(address))
            {
                return true;
            }
        }

        return false;
    }
}
