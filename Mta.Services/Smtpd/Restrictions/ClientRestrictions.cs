using Mta.Core.Config;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>Restrictions on who the client is, and how it behaves.</summary>
internal static class ClientRestrictions
{
    public static ValueTask<Verdict> PermitInetInterfaces(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        new(context.Config.IsOwnAddress(context.Session.Client.IpAddress) ? Verdict.Ok : Verdict.Dunno);

    public static async ValueTask<Verdict> PermitMyNetworksAsync(
        CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        await context.IsMyNetworkAsync(cancellationToken).ConfigureAwait(false) switch
        {
            true => Verdict.Ok,
            false => Verdict.Dunno,
            null => Verdict.Fault(context.Recipient is { } recipient
                ? CheckContext.TemporaryLookupFailure(recipient)
                : new Core.Smtp.ServerReply("451 4.3.0 Temporary lookup failure")),
        };

    /// <summary>Nobody is: there is no AUTH yet.</summary>
    public static ValueTask<Verdict> PermitSaslAuthenticated(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        new(Verdict.Dunno);

    public static ValueTask<Verdict> RejectUnauthPipelining(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        new(context.Session.IllegalPipelining
            ? Verdict.Refuse(503, "5.0", context.Frame("Improper use of SMTP command pipelining"))
            : Verdict.Dunno);

    public static ValueTask<Verdict> RejectPlaintextSession(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        new(context.Session.Stream.Tls is null
            ? Verdict.Refuse(context.Settings.Get(Parameters.PlaintextRejectCode), "7.1", "Session encryption is required")
            : Verdict.Dunno);

    public static ValueTask<Verdict> RejectUnknownClientHostname(
        CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        new(context.Session.Client.Name == "unknown"
            ? Verdict.Refuse(
                UnknownCode(context),
                "7.25",
                $"Client host rejected: cannot find your hostname, [{context.Session.Client.Address}]")
            : Verdict.Dunno);

    public static ValueTask<Verdict> RejectUnknownReverseClientHostname(
        CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        new(context.Session.Client.ReverseName is null
            ? Verdict.Refuse(
                UnknownCode(context),
                "7.1",
                $"Client host rejected: cannot find your reverse hostname, [{context.Session.Client.Address}]")
            : Verdict.Dunno);

    /// <summary>Where the DNS failed the client may come again, whatever the configuration says.</summary>
    private static int UnknownCode(CheckContext context) =>
        context.Session.Client.IsNameUncertain ? 450 : context.Settings.Get(Parameters.UnknownClientRejectCode);
}
