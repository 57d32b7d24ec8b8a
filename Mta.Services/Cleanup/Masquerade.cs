using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Clients;
using Mta.Services.Maps;

namespace Mta.Services.Cleanup;

/// <summary>Address masquerading: hides hosts behind their domain, but for some users.</summary>
internal sealed class Masquerade
{
    private readonly (string Domain, bool Hides)[] domains;
    private readonly ListMatcher exceptions;

    private readonly MailLog log;

    public Masquerade(Settings settings, TableRegistry tables, MailLog log)
    {
        this.log = log;
        domains = [.. Read(settings.Get(Parameters.MasqueradeDomains))];
        exceptions = tables.OpenList(settings, Parameters.MasqueradeExceptions, MatchListKind.Strings);
        Roles = domains.Length == 0 ? AddressRole.None : AddressRoles.Read(settings, Parameters.MasqueradeClasses);
    }

    /// <summary>The roles whose addresses are masqueraded.</summary>
    public AddressRole Roles { get; }

    /// <summary>What the address becomes: the first listed domain that is its own or a parent of it decides. Null, after a warning, when the exceptions cannot be read.</summary>
    public async ValueTask<string?> ApplyAsync(string idText, string address, CancellationToken cancellationToken)
    {
        var masked = Find(address);
        if (masked is null || exceptions.IsEmpty)
        {
            return masked ?? address;
        }

        var user = MailAddress.LocalPart(AddressQuoting.ToExternal(address)).ToString();
        var excepted = await exceptions.MatchAsync(user, cancellationToken).ConfigureAwait(false);
        if (excepted.IsFailed)
        {
            log.LookupFailure(CleanupService.Tag, excepted);
            log.Info(CleanupService.Tag, $"{idText}: {Parameters.MasqueradeExceptions.Name} map lookup problem -- message not accepted, try again later");
            return null;
        }

        return excepted.IsFound ? address : masked;
    }

    private string? Find(string address)
    {
        var at = address.LastIndexOf('@');
        var host = address.AsSpan(at + 1);
        foreach (var (domain, hides) in at < 0 ? [] : domains)
        {
            if (!host.EndsWith(domain, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            if (host.Length == domain.Length)
            {
                return null;
            }

            if (host[^(domain.Length + 1)] == '.')
            {
                return hides ? $"{address.AsSpan(0, at + 1)}{domain}" : null;
            }
        }

        return null;
    }

    /// <summary>Each <c>!</c> in front turns the meaning around. Domains are kept in lower case, which is how addresses get them.</summary>
    private static List<(string Domain, bool Hides)> Read(string list)
    {
        var domains = new List<(string, bool)>();
        foreach (var token in new ListTokens(list))
        {
            var domain = token.TrimStart('!');
            if (!domain.IsEmpty)
            {
                domains.Add((domain.ToString().ToLowerInvariant(), (token.Length - domain.Length) % 2 == 0));
            }
        }

        return domains;
    }
}
