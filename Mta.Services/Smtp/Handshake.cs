using Mta.Core.Delivery;
using Mta.Core.Smtp;
using Mta.Services.Clients;
using Mta.Services.Tls;

namespace Mta.Services.Smtp;

/// <summary>How a handshake ended.</summary>
/// <param name="Failure">Null when the session is ready for mail.</param>
/// <param name="RetryInPlaintext">TLS failed and was not demanded: the same host is tried without it.</param>
internal readonly record struct HandshakeResult(DeliveryStatus? Failure, bool RetryInPlaintext = false);

/// <summary>Greeting, EHLO or LHLO, STARTTLS and EHLO again.</summary>
internal sealed class Handshake(SmtpSession session, DeliveryAttempt attempt, Destination destination, OwnEndpoints own, MailLog log)
{
    private readonly ClientOptions options = session.Options;
    private readonly string tag = attempt.Request.Transport;

    /// <param name="plaintext">TLS has failed with this host already.</param>
    public async ValueTask<HandshakeResult> RunAsync(bool plaintext, CancellationToken cancellationToken)
    {
        var level = options.Tls.Level;
        session.Tls = options.Tls.LogName;
        var failure = await GreetAsync(cancellationToken).ConfigureAwait(false)
            ?? await IntroduceAsync(cancellationToken).ConfigureAwait(false);
        if (failure is not null || level == TlsLevel.None || plaintext)
        {
            return new(failure);
        }

        if (!session.Has(PeerFeatures.StartTls))
        {
            return level == TlsLevel.May
                ? default
                : Refuse("4.7.4", $"TLS is required, but was not offered by host {session.Host.NameAddress}");
        }

        session.Commands.Line("STARTTLS"u8);
        await session.SendCommandsAsync(options.StartTlsTimeout, Step.StartTls, cancellationToken).ConfigureAwait(false);
        if (await session.ReadReplyAsync(options.StartTlsTimeout, Step.StartTls, cancellationToken).ConfigureAwait(false) != 220)
        {
            var reply = session.ToReply();
            return level == TlsLevel.May
                ? default
                : Refuse("4.7.4", $"TLS is required, but host {session.Host.NameAddress} refused to start TLS: {reply.Text}", reply.Text);
        }

        return await StartTlsAsync(cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<HandshakeResult> StartTlsAsync(CancellationToken cancellationToken)
    {
        session.DropInput();
        session.Connection.SetDeadline(options.StartTlsTimeout);
        var handshake = new ClientTlsHandshake(options.Tls, session.Host.Host, destination.Host);
        var outcome = await handshake.RunAsync(session.Connection, cancellationToken).ConfigureAwait(false);
        session.IsDead = outcome != TlsOutcome.Done;
        switch (outcome)
        {
            case TlsOutcome.Done:
                break;
            case TlsOutcome.NotVerified:
                return Refuse("4.7.5", "Server certificate not verified");
            case TlsOutcome.Misconfigured:
                log.Warning(tag, $"TLS configuration problem: {handshake.Reason}");
                return Refuse("4.7.5", "client TLS configuration problem");
            default:
                log.Info(tag, $"SSL_connect error to {session.Host.Relay}: {handshake.Reason}");
                var failed = Refuse("4.7.5", "Cannot start TLS: handshake failure");
                return failed with { RetryInPlaintext = options.Tls.Level == TlsLevel.May };
        }

        if (options.Tls.LogLevel > 0)
        {
            log.Info(tag, $"{handshake.Trust} TLS connection established to {session.Host.Relay}: {TlsDescription.Of(session.Connection.Tls!)}");
        }

        // RFC 3207 section 4.2: what was learned in plaintext is forgotten.
        session.Peer = default;
        return new(await IntroduceAsync(cancellationToken).ConfigureAwait(false));
    }

    private async ValueTask<DeliveryStatus?> GreetAsync(CancellationToken cancellationToken)
    {
        var code = await session.ReadReplyAsync(options.HeloTimeout, Step.Greeting, cancellationToken).ConfigureAwait(false);
        if (code / 100 == 2)
        {
            return null;
        }

        var reply = session.ToReply();
        return Refusal(options.Skip5xxGreeting ? reply.AsTemporary() : reply);
    }

    private async ValueTask<DeliveryStatus?> IntroduceAsync(CancellationToken cancellationToken)
    {
        if (options.IsLmtp)
        {
            return await SayHelloAsync("LHLO", Step.Lhlo, cancellationToken).ConfigureAwait(false) ? null : Refusal(session.ToReply());
        }

        var extended = !options.NeverSendEhlo && (options.AlwaysSendEhlo || session.ReplyHas("ESMTP"u8));
        if (extended && await SayHelloAsync("EHLO", Step.Ehlo, cancellationToken).ConfigureAwait(false))
        {
            return LoopsBack();
        }

        if (extended && session.IsDead)
        {
            return Refusal(session.ToReply());
        }

        var known = await SayHelloAsync("HELO", Step.Helo, cancellationToken).ConfigureAwait(false);
        session.Peer = session.Peer with { Features = PeerFeatures.None, SizeLimit = 0 };
        return known ? LoopsBack() : Refusal(session.ToReply());
    }

    private async ValueTask<bool> SayHelloAsync(string verb, Step step, CancellationToken cancellationToken)
    {
        session.Commands.Hello(System.Text.Encoding.ASCII.GetBytes(verb), options.HeloName);
        await session.SendCommandsAsync(options.HeloTimeout, step, cancellationToken).ConfigureAwait(false);
        var code = await session.ReadReplyAsync(options.HeloTimeout, step, cancellationToken).ConfigureAwait(false);
        if (code / 100 != 2)
        {
            return false;
        }

        session.Peer = session.ReadFeatures();
        return true;
    }

    /// <summary>A mail exchanger that has our own name is us by an address we do not know of: mail for the domain would go round.</summary>
    private DeliveryStatus? LoopsBack()
    {
        if (!session.Peer.Name.Equals(options.MyHostname, StringComparison.OrdinalIgnoreCase) || !own.HasPort(session.Host.Port))
        {
            return null;
        }

        log.Warning(tag, $"host {session.Host.NameAddress} replied to HELO/EHLO with my own hostname {options.MyHostname}");
        return destination.Kind == DestinationKind.Domain
            ? attempt.Status(session, DeliveryAction.Bounced, "5.4.6", $"mail for {destination.Host} loops back to myself")
            : null;
    }

    private DeliveryStatus Refusal(Reply reply) => attempt.Status(
        session,
        reply.Class == 5 ? DeliveryAction.Bounced : DeliveryAction.Deferred,
        reply.Dsn,
        $"host {session.Host.NameAddress} refused to talk to me: {reply.Text}",
        reply.Text);

    private HandshakeResult Refuse(string dsn, string text, string? remoteReply = null) =>
        new(attempt.Status(session, DeliveryAction.Deferred, dsn, text, remoteReply));
}
