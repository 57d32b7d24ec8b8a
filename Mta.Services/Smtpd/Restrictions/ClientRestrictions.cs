using Mta.Core.Config;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>Restrictions on who the client is, and how it behaves.</summary>
internal static class ClientRestrictions
{
    public static ValueTask<Verdict> PermitInetInterfaces(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        new(context.Config.IsOwnAddress(context.Session.Client.ConnectedAddress) ? Verdict.Ok : Verdict.Dunno);

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
        new(context.Session.Client.NameStatus != ClientNameStatus.Known
            ? Verdict.Refuse(
                Code(context, context.Session.Client.NameStatus),
                "7.25",
                $"Client host rejected: cannot find your hostname, [{context.Session.Client.Address}]")
            : Verdict.Dunno);

    public static ValueTask<Verdict> RejectUnknownReverseClientHostname(
        CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        new(context.Session.Client.ReverseNameStatus != ClientNameStatus.Known
            ? Verdict.Refuse(
                Code(context, context.Session.Client.ReverseNameStatus),
                "7.1",
                $"Client host rejected: cannot find your reverse hostname, [{context.Session.Client.Address}]")
            : Verdict.Dunno);

    // What the DNS may know later is no reason to refuse for good.
    private static int Code(CheckContext context, ClientNameStatus status) =>
        status == ClientNameStatus.TemporaryFailure ? 450 : context.Settings.Get(Parameters.UnknownClientRejectCode);
}
