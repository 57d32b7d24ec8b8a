using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Maps;

namespace Mta.Services.Smtpd;

/// <summary>
/// local_header_rewrite_clients: whose mail is in local context, so that missing headers are added and addresses completed.
/// </summary>
internal sealed class LocalRewriteClients
{
    private readonly bool inetInterfaces;
    private readonly ListMatcher? networks;
    private readonly TableList tables;

    public LocalRewriteClients(Settings settings, TableRegistry registry)
    {
        var opened = new List<ILookupTable>();
        foreach (var token in new ListTokens(settings.Get(Parameters.LocalHeaderRewriteClients)))
        {
            switch (token)
            {
                case "permit_inet_interfaces":
                    inetInterfaces = true;
                    break;
                case "permit_mynetworks":
                    networks = registry.OpenList(settings, Parameters.Mynetworks, MatchListKind.NamesAndAddresses);
                    break;
                case "check_address_map" or "permit_sasl_authenticated" or "permit_tls_clientcerts" or "permit_tls_all_clientcerts":
                    break;
                default:
                    opened.Add(registry.Open(token.ToString()));
                    break;
            }
        }

        tables = opened.Count == 0 ? TableList.Empty : new TableList(opened);
    }

    public async ValueTask<bool> MatchAsync(SmtpdConfig config, ClientInfo client, CancellationToken cancellationToken)
    {
        if (inetInterfaces && config.IsOwnAddress(client.IpAddress))
        {
            return true;
        }

        if (networks is not null
            && await networks.MatchAsync(client.Name, client.IpAddress, cancellationToken).ConfigureAwait(false) is { IsFound: true })
        {
            return true;
        }

        return !tables.IsEmpty && (await tables.FindAsync(client.Address, cancellationToken).ConfigureAwait(false)).IsFound;
    }
}
