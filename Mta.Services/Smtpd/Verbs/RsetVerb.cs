using Mta.Core.Smtp;

namespace Mta.Services.Smtpd.Verbs;

/// <summary>RSET (RFC 5321 section 4.1.1.5) ends a transaction; HELO and TLS stay.</summary>
internal static class RsetVerb
{
    public static ServerReply? Check(SmtpdSession session, ReadOnlySpan<byte> arguments) =>
        arguments.IsEmpty ? null : ProtocolReplies.RsetSyntax;

    public static async ValueTask ProceedAsync(SmtpdSession session, CancellationToken cancellationToken)
    {
        await session.Mail.ResetAsync().ConfigureAwait(false);
        session.Reply(ProtocolReplies.Ok);
    }
}
