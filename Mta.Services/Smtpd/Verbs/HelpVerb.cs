using Mta.Core.Smtp;

namespace Mta.Services.Smtpd.Verbs;

/// <summary>HELP (RFC 5321 section 4.1.1.8): the commands.</summary>
internal static class HelpVerb
{
    public static ServerReply? Check(SmtpdSession session, ReadOnlySpan<byte> arguments) => null;

    public static ValueTask ProceedAsync(SmtpdSession session, CancellationToken cancellationToken)
    {
        session.Reply(ProtocolReplies.Help);
        return default;
    }
}
