using System.Text;
using Mta.Core.Smtp;

namespace Mta.Services.Smtpd.Verbs;

/// <summary>MAIL (RFC 5321 section 4.1.1.2) begins a transaction.</summary>
internal static class MailVerb
{
    public static ServerReply? Check(SmtpdSession session, ReadOnlySpan<byte> arguments)
    {
        var config = session.Config;
        var mail = session.Mail;
        if (config.HeloRequired && session.Helo is null)
        {
            return ProtocolReplies.SendHeloFirst;
        }

        if (mail.IsActive)
        {
            return ProtocolReplies.NestedMail;
        }

        if (mail.InChunks)
        {
            return ProtocolReplies.MailAfterBdat;
        }

        if (!TryKeyword(arguments, "FROM:"u8, out var text))
        {
            return ProtocolReplies.MailSyntax;
        }

        var outcome = SmtpPath.Parse(text, config.StrictEnvelopes, out var address, out var raw, out var rest);
        if (outcome == PathOutcome.Missing)
        {
            return ProtocolReplies.MailSyntax;
        }

        if (outcome == PathOutcome.Bad)
        {
            ReportBadPath(session, "MAIL", raw);
            return ProtocolReplies.BadSender;
        }

        var refusal = mail.Parameters.Parse(rest, session.Offered);
        if (!MayHaveDomain(session, address))
        {
            ReportBadPath(session, "MAIL", raw);
            return ProtocolReplies.BadSender;
        }

        if (refusal is not null)
        {
            return refusal;
        }

        if (config.StrictSmtpUtf8 && !IsAscii(address) && !mail.Parameters.Flags.HasFlag(Core.Queue.EnvelopeFlags.SmtpUtf8))
        {
            return ProtocolReplies.MustDeclareSmtpUtf8;
        }

        if (config.MessageSizeLimit > 0 && mail.Parameters.Size > config.MessageSizeLimit)
        {
            return session.Check.RefuseMail(address, ProtocolReplies.SizeOverLimit);
        }

        session.Parsed.Address = address;
        if (session.Environment.IsDrained())
        {
            return config.Drained;
        }

        if (!session.Environment.AcceptingMail())
        {
            return ProtocolReplies.NotAccepting;
        }

        return session.Environment.HasRoom() ? null : session.Check.RefuseMail(address, ProtocolReplies.NoSpace);
    }

    public static async ValueTask ProceedAsync(SmtpdSession session, CancellationToken cancellationToken)
    {
        var address = session.Parsed.Address;
        if (await session.Check.RewriteContextAsync(cancellationToken).ConfigureAwait(false) is { } failure)
        {
            session.Reply(failure);
            return;
        }

        if (!session.StandAlone && await session.Check.SenderAddressAsync(address, cancellationToken).ConfigureAwait(false) is { } refusal)
        {
            session.Reply(refusal);
            return;
        }

        session.Mail.Begin(address);
        session.Reply(ProtocolReplies.SenderOk);
    }

    /// <summary>The text behind FROM: or TO:, between which and the colon no space may stand.</summary>
    internal static bool TryKeyword(ReadOnlySpan<byte> arguments, ReadOnlySpan<byte> keyword, out ReadOnlySpan<byte> rest)
    {
        rest = default;
        if (arguments.Length < keyword.Length || !CommandLine.Is(arguments[..keyword.Length], keyword))
        {
            return false;
        }

        rest = arguments[keyword.Length..];
        return true;
    }

    internal static void ReportBadPath(SmtpdSession session, string command, ReadOnlySpan<byte> raw) =>
        session.Log.Warning(session.Tag, $"Illegal address syntax from {session.Client.Tag} in {command} command: {raw}");

    /// <summary>A domain that is not ASCII is for clients that ask for SMTPUTF8 (RFC 6531); a local part may be what it is.</summary>
    internal static bool MayHaveDomain(SmtpdSession session, string address) =>
        IsAscii(address) || Ascii.IsValid(Core.Addresses.MailAddress.Domain(address))
        || session.Mail.Parameters.Flags.HasFlag(Core.Queue.EnvelopeFlags.SmtpUtf8);

    internal static bool IsAscii(string address) => Ascii.IsValid(address.AsSpan());
}
