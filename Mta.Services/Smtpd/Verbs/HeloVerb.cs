using System.Buffers;
using System.Text;
using Mta.Core.Smtp;

namespace Mta.Services.Smtpd.Verbs;

/// <summary>
/// HELO and EHLO (RFC 5321 section 4.1.1.1): they name the client, end a transaction, and EHLO answers with the extensions.
/// </summary>
internal static class HeloVerb
{
    private const string SpecialCharacters = " <>()\\\";@";

    private static readonly SearchValues<byte> Special = SearchValues.Create(" <>()\\\";@"u8);

    public static ServerReply? CheckHelo(SmtpdSession session, ReadOnlySpan<byte> arguments) =>
        Check(session, arguments, ProtocolReplies.HeloSyntax);

    public static ServerReply? CheckEhlo(SmtpdSession session, ReadOnlySpan<byte> arguments) =>
        Check(session, arguments, ProtocolReplies.EhloSyntax);

    public static async ValueTask ProceedHeloAsync(SmtpdSession session, CancellationToken cancellationToken)
    {
        if (await BeginAsync(session, isEsmtp: false, cancellationToken).ConfigureAwait(false))
        {
            session.Reply(session.Config.HeloOk);
        }
    }

    public static async ValueTask ProceedEhloAsync(SmtpdSession session, CancellationToken cancellationToken)
    {
        if (!await BeginAsync(session, isEsmtp: true, cancellationToken).ConfigureAwait(false))
        {
            return;
        }

        var keywords = session.Config.Keywords;
        var tlsActive = session.Stream.Tls is not null;
        var offer = await keywords.OfferAsync(session.Client, session.Authorized, tlsActive, cancellationToken).ConfigureAwait(false);
        if (offer is not var (offered, discarded))
        {
            session.EndForLocalData($"don't know what EHLO features to announce to {session.Client.Tag}");
            return;
        }

        if (session.IsUnknown(EsmtpOptions.Xclient | EsmtpOptions.Xforward))
        {
            var unknown = session.IsUnknown(EsmtpOptions.Xclient) ? "XCLIENT" : "XFORWARD";
            session.EndForLocalData($"don't know if EHLO feature {unknown} should be announced to {session.Client.Tag}");
            return;
        }

        if (discarded is not null)
        {
            session.Log.Info(session.Tag, $"discarding EHLO keywords: {discarded}");
        }

        session.Offered = offered;
        keywords.Reply(session.Replies, offered);
    }

    private static ServerReply? Check(SmtpdSession session, ReadOnlySpan<byte> arguments, ServerReply syntax)
    {
        if (arguments.IsEmpty)
        {
            return syntax;
        }

        session.Parsed.Text = Name(arguments);
        return null;
    }

    private static async ValueTask<bool> BeginAsync(SmtpdSession session, bool isEsmtp, CancellationToken cancellationToken)
    {
        await session.Mail.ResetAsync().ConfigureAwait(false);
        session.Helo = session.Parsed.Text;
        if (!session.Config.DelayReject && await session.Check.HeloAsync(cancellationToken).ConfigureAwait(false) is { } refusal)
        {
            session.Helo = null;
            session.Reply(refusal);
            return false;
        }

        session.IsEsmtp = isEsmtp;
        return true;
    }

    // The name goes into a header and the log: what does not print there, or means something there, is replaced.
    private static string Name(ReadOnlySpan<byte> text)
    {
        if (!text.ContainsAnyExceptInRange((byte)33, (byte)126) && !text.ContainsAny(Special))
        {
            return Encoding.ASCII.GetString(text);
        }

        return string.Create(Encoding.UTF8.GetCharCount(text), Encoding.UTF8.GetString(text), static (name, source) =>
        {
            for (var i = 0; i < name.Length; i++)
            {
                name[i] = char.IsControl(source[i]) || SpecialCharacters.Contains(source[i], StringComparison.Ordinal) ? '?' : source[i];
            }
        });
    }
}
