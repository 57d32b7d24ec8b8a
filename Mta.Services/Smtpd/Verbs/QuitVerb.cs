using Mta.Core.Smtp;

namespace Mta.Services.Smtpd.Verbs;

/// <summary>QUIT (RFC 5321 section 4.1.1.10), arguments ignored.</summary>
internal static class QuitVerb
{
    public static ServerReply? Check(SmtpdSession session, ReadOnlySpan<byte> arguments) => null;

    public static ValueTask ProceedAsync(SmtpdSession session, CancellationToken cancellationToken)
    {
        session.Reply(ProtocolReplies.Bye);
        session.HangUp();
        return default;
    }
}
