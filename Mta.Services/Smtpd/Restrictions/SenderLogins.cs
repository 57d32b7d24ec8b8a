using Mta.Core.Lookup;
using Mta.Services.Clients;
using Mta.Services.Maps;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>
/// reject_sender_login_mismatch and its parts: a sender that smtpd_sender_login_maps gives owners is for these to use, when they are logged
/// in. As nobody can log in yet, it is for nobody.
/// </summary>
internal static class SenderLogins
{
    /// <summary>Both parts.</summary>
    public static ValueTask<Verdict> RejectAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        _ = AreKnown(context, "reject_authenticated_sender_login_mismatch");
        return RejectUnauthenticatedAsync(context, argument, cancellationToken);
    }

    public static ValueTask<Verdict> RejectKnownAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        AreKnown(context, "reject_known_sender_login_mismatch") ? CheckAsync(context, cancellationToken) : new(Verdict.Dunno);

    public static ValueTask<Verdict> RejectUnauthenticatedAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        AreKnown(context, "reject_unauthenticated_sender_login_mismatch") ? CheckAsync(context, cancellationToken) : new(Verdict.Dunno);

    /// <summary>Concerns clients that are logged in.</summary>
    public static ValueTask<Verdict> RejectAuthenticatedAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        _ = AreKnown(context, "reject_authenticated_sender_login_mismatch");
        return new(Verdict.Dunno);
    }

    private static bool AreKnown(CheckContext context, string restriction)
    {
        if (!context.Config.DnsRules.HasLogins)
        {
            context.Session.Log.Warning(context.Session.Tag, $"restriction `{restriction}' ignored: no SASL support");
        }

        return context.Config.DnsRules.HasLogins;
    }

    private static async ValueTask<Verdict> CheckAsync(CheckContext context, CancellationToken cancellationToken)
    {
        var logins = context.Config.DnsRules.SenderLogins;
        if (logins.IsEmpty || context.Sender is not { Length: > 0 } sender)
        {
            return Verdict.Dunno;
        }

        var resolution = await context.ResolveAsync(sender, cancellationToken).ConfigureAwait(false);
        if (resolution.Outcome == ResolveOutcome.BadAddress)
        {
            return Verdict.Dunno;
        }

        var match = resolution.Outcome == ResolveOutcome.Failed
            ? default
            : await logins.FindMailAddressAsync(resolution.Recipient, AddressKeyForms.AddressOrPlain, context.Config.Addresses, cancellationToken).ConfigureAwait(false);
        if (match.IsFailed)
        {
            context.Session.Log.LookupFailure(context.Session.Tag, match.Result);
        }

        return resolution.Outcome == ResolveOutcome.Failed || match.IsFailed ? Verdict.Fault(CheckContext.TemporaryLookupFailure(sender))
            : match.IsFound ? Verdict.Refuse(553, "7.1", $"<{sender}>: Sender address rejected: not logged in")
            : Verdict.Dunno;
    }
}
