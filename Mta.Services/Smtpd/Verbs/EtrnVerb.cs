using System.Buffers;
using System.Text;
using Mta.Core.Smtp;

namespace Mta.Services.Smtpd.Verbs;

/// <summary>ETRN (RFC 1985). There is no flush service behind it yet, which the reply says as Postfix does when it cannot flush.</summary>
internal static class EtrnVerb
{
    private static readonly SearchValues<byte> Specials = SearchValues.Create("<>()[]@,;:\\\""u8);

    public static ServerReply? Check(SmtpdSession session, ReadOnlySpan<byte> arguments)
    {
        if (session.Helo is null && session.Config.HeloRequired)
        {
            return ProtocolReplies.EtrnSendHeloFirst;
        }

        if (session.Mail.IsActive)
        {
            return ProtocolReplies.EtrnInTransaction;
        }

        var domain = CommandLine.NextWord(ref arguments);
        if (domain.IsEmpty || !CommandLine.Trim(arguments).IsEmpty)
        {
            return ProtocolReplies.EtrnSyntax;
        }

        if (domain[0] is (byte)'@' or (byte)'#')
        {
            domain = domain[1..];
        }

        if (domain.IsEmpty || domain.IndexOfAnyInRange((byte)0, (byte)32) >= 0 || domain.ContainsAny(Specials))
        {
            return ProtocolReplies.EtrnParameterSyntax;
        }

        session.Parsed.Text = Encoding.UTF8.GetString(domain);
        return null;
    }

    public static async ValueTask ProceedAsync(SmtpdSession session, CancellationToken cancellationToken)
    {
        var domain = session.Parsed.Text;
        if (!session.StandAlone && await session.Check.EtrnAsync(domain, cancellationToken).ConfigureAwait(false) is { } refusal)
        {
            session.Reply(refusal);
            return;
        }

        session.Log.Warning(session.Tag, $"reject: ETRN {domain.AsSpan(0, Math.Min(domain.Length, 100))}... from {session.Client.Tag}");
        session.Reply(new ServerReply($"459 <{domain}>: service unavailable"));
    }
}
