using Mta.Core.Addresses;
using Mta.Services.Clients;
using Mta.Services.Dns;
using Mta.Services.Maps;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>
/// permit_mx_backup: mail for a domain that names this system as a mail exchanger, though not as the best one (RFC 5321 section 5.1). What
/// cannot be found out permits nothing, but makes a refusal temporary.
/// </summary>
internal static class MxBackup
{
    public static async ValueTask<Verdict> PermitAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        var session = context.Session;
        if (context.Config.DnsRules.WarnOnce("permit_mx_backup"))
        {
            session.Log.Warning(
                session.Tag, $"support for restriction \"permit_mx_backup\" will be removed from {context.Config.MailName}; use \"relay_domains\" instead");
        }

        if (context.Recipient is not { } recipient)
        {
            return Verdict.Dunno;
        }

        var resolution = context.Resolution ?? await context.ResolveAsync(recipient, cancellationToken).ConfigureAwait(false);
        if (resolution.Outcome == ResolveOutcome.Failed)
        {
            return Verdict.Fault(CheckContext.TemporaryLookupFailure(recipient));
        }

        if (resolution.Outcome != ResolveOutcome.Ok)
        {
            return Verdict.Dunno;
        }

        // Local addresses may be routed (user%domain@here): an old promise of this restriction.
        if (!MailAddress.HasDomain(resolution.Recipient) || resolution.Class == AddressClass.Local)
        {
            return Verdict.Ok;
        }

        if (resolution.Routed)
        {
            return Verdict.Dunno;
        }

        var domain = MailAddress.Domain(resolution.Recipient).ToString();
        return resolution.Class != AddressClass.Default ? Verdict.Ok
            : domain is ['[', .., ']'] ? Verdict.Dunno
            : await AskAsync(context, domain, $"<{recipient}>: Recipient address rejected: ", cancellationToken).ConfigureAwait(false);
    }

    private static async ValueTask<Verdict> AskAsync(CheckContext context, string domain, string begin, CancellationToken cancellationToken)
    {
        var answer = await context.Dns.FindMailExchangersAsync(domain, cancellationToken).ConfigureAwait(false);
        if (answer.Status == DnsStatus.TryAgain)
        {
            return Verdict.DeferIfReject(450, "4.4", $"{begin}Unable to look up mail exchanger information: {SessionDns.ErrorText(answer.Status)}");
        }

        if (answer.Status != DnsStatus.Found || MailExchangers.IsNull(answer))
        {
            return Verdict.Dunno;
        }

        var all = MailExchangers.Read(context, domain, answer);
        all.Sort((a, b) => a.Preference.CompareTo(b.Preference));
        var bestCount = all.FindLastIndex(e => e.Preference == all[0].Preference) + 1;
        var (best, backups) = (all[..bestCount], all[bestCount..]);
        var (isBest, problem) = await IncludeUsAsync(context, best, begin, cancellationToken).ConfigureAwait(false);
        if (isBest)
        {
            return problem ?? Verdict.Dunno;
        }

        var (isBackup, other) = await IncludeUsAsync(context, backups, begin, cancellationToken).ConfigureAwait(false);
        problem ??= other;
        if (!isBackup)
        {
            return problem ?? Verdict.Dunno;
        }

        return context.Config.DnsRules.BackupNetworks.IsEmpty
            ? Verdict.Ok
            : await CheckNetworksAsync(context, best, begin, problem, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whether one of the hosts is this system: by its name, or else by an address of it. The first lookup that failed is told too.</summary>
    private static async ValueTask<(bool Found, Verdict? Problem)> IncludeUsAsync(
        CheckContext context, List<MailExchanger> hosts, string begin, CancellationToken cancellationToken)
    {
        if (hosts.Exists(h => h.Exchange.Equals(context.Config.Hostname, StringComparison.OrdinalIgnoreCase)))
        {
            return (true, null);
        }

        Verdict? problem = null;
        foreach (var host in hosts)
        {
            var found = await context.Dns.FindHostAsync(host.Exchange, context.Config.DnsRules, cancellationToken).ConfigureAwait(false);
            if (found.Error is { } error)
            {
                problem ??= Unknown(host, begin, error);
                continue;
            }

            foreach (var address in found.Addresses)
            {
                if (context.Config.OwnAddresses.Contains(address))
                {
                    return (true, problem);
                }
            }
        }

        return (false, problem);
    }

    /// <summary>permit_mx_backup_networks: all addresses of all best hosts must be in it.</summary>
    private static async ValueTask<Verdict> CheckNetworksAsync(
        CheckContext context, List<MailExchanger> best, string begin, Verdict? problem, CancellationToken cancellationToken)
    {
        var session = context.Session;
        foreach (var host in best)
        {
            var found = await context.Dns.FindHostAsync(host.Exchange, context.Config.DnsRules, cancellationToken).ConfigureAwait(false);
            if (found.Error is { } error)
            {
                return problem ?? Unknown(host, begin, error);
            }

            foreach (var address in found.Addresses)
            {
                var match = await context.Config.DnsRules.BackupNetworks.MatchAsync(host.Exchange, address, cancellationToken).ConfigureAwait(false);
                if (match.IsFailed)
                {
                    session.Log.LookupFailure(session.Tag, match);
                    session.Log.Warning(
                        session.Tag, $"all_auth_mx_addr: permit_mx_backup_networks lookup error for address {address} for {host.Exchange}");
                    return problem ?? Verdict.DeferIfReject(450, "4.4", $"{begin}Unable to verify host {host.Exchange} as mail exchanger");
                }

                if (!match.IsFound)
                {
                    return problem ?? Verdict.Dunno;
                }
            }
        }

        return Verdict.Ok;
    }

    private static Verdict Unknown(MailExchanger host, string begin, string error) =>
        Verdict.DeferIfReject(450, "4.4", $"{begin}Unable to look up mail exchanger host {host.Exchange}: {error}");
}
