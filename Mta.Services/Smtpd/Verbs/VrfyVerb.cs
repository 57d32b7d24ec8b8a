using System.Text;
using Mta.Core.Smtp;

namespace Mta.Services.Smtpd.Verbs;

/// <summary>VRFY (RFC 5321 section 3.5): says that mail for the address would be taken, after the checks of a recipient.</summary>
internal static class VrfyVerb
{
    public static ServerReply? Check(SmtpdSession session, ReadOnlySpan<byte> arguments)
    {
        if (session.Config.VrfyDisabled)
        {
            return ProtocolReplies.VrfyDisabled;
        }

        if (session.Config.HeloRequired && session.Helo is null)
        {
            return ProtocolReplies.SendHeloFirst;
        }

        var text = arguments;
        var flag = text.LastIndexOf((byte)' ');
        if (flag >= 0 && CommandLine.Is(text[(flag + 1)..], "SMTPUTF8"u8))
        {
            text = CommandLine.Trim(text[..flag]);
        }

        if (text.IsEmpty)
        {
            return session.Config.SmtpUtf8Enable ? ProtocolReplies.VrfyUtf8Syntax : ProtocolReplies.VrfySyntax;
        }

        if (SmtpPath.Parse(text, strict: false, out session.Parsed.Address, out _, out var rest) != PathOutcome.Ok
            || session.Parsed.Address.Length == 0
            || !CommandLine.Trim(rest).IsEmpty)
        {
            return ProtocolReplies.BadRecipient;
        }

        session.Parsed.Text = Encoding.UTF8.GetString(text);
        return null;
    }

    public static async ValueTask ProceedAsync(SmtpdSession session, CancellationToken cancellationToken)
    {
        var text = session.Parsed.Text;
        if (!session.StandAlone
            && await session.Check.RecipientAsync(session.Parsed.Address, cancellationToken).ConfigureAwait(false) is { } refusal)
        {
            session.Reply(refusal);
            return;
        }

        session.Reply(new ServerReply("252 2.0.0 " + text));
    }
}
