using System.Security.Authentication;
using Mta.Core.Smtp;

namespace Mta.Services.Smtpd.Verbs;

/// <summary>
/// STARTTLS (RFC 3207). Nothing that was said in plaintext counts afterwards, neither HELO nor what is still in the buffer.
/// </summary>
internal static class StartTlsVerb
{
    public static ServerReply? Check(SmtpdSession session, ReadOnlySpan<byte> arguments)
    {
        if (!arguments.IsEmpty)
        {
            return ProtocolReplies.StartTlsSyntax;
        }

        if (session.Stream.Tls is not null)
        {
            return ProtocolReplies.TlsAlreadyActive;
        }

        var tls = session.Config.Tls;
        if (!tls.IsEnabled || session.StandAlone || (session.IsEsmtp && !session.Offered.HasFlag(EsmtpOptions.StartTls) && tls.IsAvailable))
        {
            return ProtocolReplies.NotImplemented;
        }

        return tls.IsAvailable ? null : ProtocolReplies.TlsNotAvailable;
    }

    public static async ValueTask ProceedAsync(SmtpdSession session, CancellationToken cancellationToken)
    {
        await session.Mail.ResetAsync().ConfigureAwait(false);
        session.Reply(ProtocolReplies.ReadyToStartTls);
        session.Input.Purge();
        if (!await session.SendRepliesAsync(cancellationToken).ConfigureAwait(false))
        {
            session.EndOfInput();
        }
        else if (!await HandshakeAsync(session, cancellationToken).ConfigureAwait(false))
        {
            session.EndOfHandshake();
        }
    }

    /// <summary>The handshake, here or before the greeting (smtpd_tls_wrappermode); false when it failed and was logged.</summary>
    internal static async ValueTask<bool> HandshakeAsync(SmtpdSession session, CancellationToken cancellationToken)
    {
        var tls = session.Config.Tls;
        if (!tls.IsAvailable)
        {
            return false;
        }

        session.Stream.SetDeadline(session.Config.StartTlsTimeout);
        try
        {
            await session.Stream.StartTlsAsync(tls.Options, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is AuthenticationException or IOException or InvalidOperationException)
        {
            var reason = session.Stream.TimedOut ? "timeout" : (e.InnerException ?? e).Message;
            session.Log.Info(session.Tag, $"SSL_accept error from {session.Client.Tag}: {reason}");
            return false;
        }

        session.Helo = null;
        session.Login = null;
        session.IsEsmtp = false;
        session.Offered = session.Config.Keywords.Possible & ~EsmtpOptions.StartTls;
        if (tls.LogLevel > 0)
        {
            var description = Tls.TlsDescription.Of(session.Stream.Tls!);
            session.Log.Info(session.Tag, $"Anonymous TLS connection established from {session.Client.Tag}: {description}");
        }

        return true;
    }
}
