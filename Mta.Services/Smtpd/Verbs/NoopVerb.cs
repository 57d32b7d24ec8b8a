using Mta.Core.Smtp;

namespace Mta.Services.Smtpd.Verbs;

/// <summary>NOOP (RFC 5321 section 4.1.1.9), any argument allowed.</summary>
internal static class NoopVerb
{
    public static ServerReply? Check(SmtpdSession session, ReadOnlySpan<byte> arguments) => null;

    public static ValueTask ProceedAsync(SmtpdSession session, CancellationToken cancellationToken)
    {
        session.Reply(ProtocolReplies.Ok);
        return default;
    }
}
