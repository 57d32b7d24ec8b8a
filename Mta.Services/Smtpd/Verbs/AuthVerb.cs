using Mta.Core.Smtp;

namespace Mta.Services.Smtpd.Verbs;

/// <summary>AUTH (RFC 4954): not enabled, and not announced.</summary>
internal static class AuthVerb
{
    public static ServerReply? Check(SmtpdSession session, ReadOnlySpan<byte> arguments) =>
        session.Config.HeloRequired && session.Helo is null ? ProtocolReplies.SendHeloFirst : ProtocolReplies.AuthNotEnabled;

    public static ValueTask ProceedAsync(SmtpdSession session, CancellationToken cancellationToken) => default;
}
