using Mta.Core.Smtp;

namespace Mta.Services.Smtpd.Verbs;

/// <summary>
/// XCLIENT and XFORWARD: a proxy tells whose mail it brings. No attribute is taken yet, so that no client is authorised to send any.
/// </summary>
internal static class ForwardedVerb
{
    public static ServerReply? CheckXclient(SmtpdSession session, ReadOnlySpan<byte> arguments) => Check(session);

    public static ServerReply? CheckXforward(SmtpdSession session, ReadOnlySpan<byte> arguments) => Check(session);

    public static ValueTask ProceedAsync(SmtpdSession session, CancellationToken cancellationToken) => default;

    private static ServerReply Check(SmtpdSession session) =>
        session.Mail.IsActive ? ProtocolReplies.InTransaction : ProtocolReplies.InsufficientAuthorization;
}
