using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Maps;

namespace Mta.Services.Smtpd;

/// <summary>
/// local_header_rewrite_clients: whose mail is in local context, so that missing headers are added and addresses completed. The first
/// element that has the client, or that fails, decides.
/// </summary>
internal sealed class LocalRewriteClients
{
    private readonly List<Element> elements = [];

    public LocalRewriteClients(Settings settings, TableRegistry registry)
    {
        foreach (var token in new ListTokens(settings.Get(Parameters.LocalHeaderRewriteClients)))
        {
            switch (token)
            {
                case "permit_inet_interfaces":
                    elements.Add(new Element(null, null));
                    break;
                case "permit_mynetworks":
                    elements.Add(new Element(registry.OpenList(settings, Parameters.Mynetworks, MatchListKind.NamesAndAddresses), null));
                    break;
                case "check_address_map" or "permit_sasl_authenticated" or "permit_tls_clientcerts" or "permit_tls_all_clientcerts":
                    break;
                default:
                    elements.Add(new Element(null, new TableList([registry.Open(token.ToString())])));
                    break;
            }
        }
    }

    /// <summary>Found when the client's mail is in local context.</summary>
    public async ValueTask<LookupResult> MatchAsync(SmtpdConfig config, ClientInfo client, CancellationToken cancellationToken)
    {
        foreach (var (networks, table) in elements)
        {
            var found = networks is not null ? await networks.MatchAsync(client.Name, client.IpAddress, cancellationToken).ConfigureAwait(false)
                : table is not null ? await table.FindAsync(client.Address, cancellationToken).ConfigureAwait(false)
                : config.IsOwnAddress(client.ConnectedAddress) ? LookupResult.Found("")
                : LookupResult.NotFound;
            if (found.Outcome != LookupOutcome.NotFound)
            {
                return found;
            }
        }

        return LookupResult.NotFound;
    }

    /// <summary>Networks, a table of addresses, or with neither of them the own interfaces.</summary>
    private readonly record struct Element(ListMatcher? Networks, TableList? Table);
}
