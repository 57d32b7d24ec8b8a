using System.Buffers;
using Mta.Core.Addresses;
using Mta.Core.Config;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>Restrictions on the name given with HELO or EHLO.</summary>
internal static class HeloRestrictions
{
    private static readonly SearchValues<char> NakedCharacters = SearchValues.Create("0123456789.:");

    public static ValueTask<Verdict> RejectInvalid(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        var name = context.Session.Helo;
        if (name is null)
        {
            return new(Verdict.Dunno);
        }

        if (name.StartsWith('['))
        {
            return new(CheckLiteral(context, name));
        }

        return new(HostNames.IsValid(name.TrimEnd('.')) || HostnameSyntax.IsAddress(name)
            ? Verdict.Dunno
            : Verdict.Refuse(
                context.Settings.Get(Parameters.InvalidHostnameRejectCode),
                "5.2",
                $"<{name}>: Helo command rejected: Invalid name"));
    }

    public static ValueTask<Verdict> RejectNonFqdn(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        var name = context.Session.Helo;
        if (name is null)
        {
            return new(Verdict.Dunno);
        }

        return name.StartsWith('[') ? new(CheckLiteral(context, name)) : new(HostNames.IsFullyQualified(name)
            ? Verdict.Dunno
            : Verdict.Refuse(
                context.Settings.Get(Parameters.NonFqdnRejectCode),
                "5.2",
                $"<{name}>: Helo command rejected: need fully-qualified hostname"));
    }

    /// <summary>permit_naked_ip_address: an address without the brackets of RFC 5321 section 4.1.3.</summary>
    public static ValueTask<Verdict> PermitNakedAddress(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        var session = context.Session;
        session.Log.Warning(
            session.Tag, $"restriction permit_naked_ip_address is deprecated. Use permit_mynetworks or permit_sasl_authenticated instead");
        return new(session.Helo is not { Length: > 0 } name || name.AsSpan().ContainsAnyExcept(NakedCharacters) ? Verdict.Dunno
            : HostnameSyntax.IsAddress(name) ? Verdict.Ok
            : InvalidAddress(context, name));
    }

    /// <summary>Refuses brackets without an address in them.</summary>
    public static Verdict CheckLiteral(CheckContext context, string name) => HostnameSyntax.IsAddressLiteral(name) ? Verdict.Dunno : InvalidAddress(context, name);

    private static Verdict InvalidAddress(CheckContext context, string name) => Verdict.Refuse(
        context.Settings.Get(Parameters.InvalidHostnameRejectCode), "5.2", $"<{name}>: Helo command rejected: invalid ip address");
}
