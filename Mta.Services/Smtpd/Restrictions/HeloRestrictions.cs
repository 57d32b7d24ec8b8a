using System.Buffers;
using System.Net;
using Mta.Core.Config;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>Restrictions on the name given with HELO or EHLO.</summary>
internal static class HeloRestrictions
{
    private static readonly SearchValues<char> AddressCharacters = SearchValues.Create("0123456789.");

    public static ValueTask<Verdict> RejectInvalid(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        var name = context.Session.Helo;
        if (name is null)
        {
            return new(Verdict.Dunno);
        }

        var isAddress = name.Length > 0 && !name.AsSpan().ContainsAnyExcept(AddressCharacters);
        var valid = name.StartsWith('[') ? IsLiteral(name) : isAddress ? IPAddress.TryParse(name, out _) : HostNames.IsValid(name.TrimEnd('.'));
        return new(valid
            ? Verdict.Dunno
            : Verdict.Refuse(
                context.Settings.Get(Parameters.InvalidHostnameRejectCode),
                "5.2",
                $"<{name}>: Helo command rejected: {(isAddress ? "invalid ip address" : "Invalid name")}"));
    }

    public static ValueTask<Verdict> RejectNonFqdn(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        var name = context.Session.Helo;
        if (name is null || (name.StartsWith('[') && IsLiteral(name)))
        {
            return new(Verdict.Dunno);
        }

        return new(HostNames.IsFullyQualified(name)
            ? Verdict.Dunno
            : Verdict.Refuse(
                context.Settings.Get(Parameters.NonFqdnRejectCode),
                "5.2",
                $"<{name}>: Helo command rejected: need fully-qualified hostname"));
    }

    private static bool IsLiteral(string name)
    {
        const string tag = "IPv6:";
        if (!name.EndsWith(']'))
        {
            return false;
        }

        var inner = name[1..^1];
        return IPAddress.TryParse(inner.StartsWith(tag, StringComparison.OrdinalIgnoreCase) ? inner[tag.Length..] : inner, out _);
    }
}
