using System.Net;
using Mta.Core.Config;
using Mta.Core.Delivery;
using Mta.Services.Clients;
using Mta.Services.Dns;
using Mta.Services.Maps;
using Mta.Services.Net;

namespace Mta.Services.Smtp;

/// <summary>
/// smtp(8) and lmtp(8): delivers messages to other mail systems.
/// <para>
/// For each request the hosts of the next hop are found (mail exchangers by preference, or the addresses of a host), and tried in turn
/// until each recipient has a final outcome or no host is left. A connection that a delivery leaves in order is kept for the next one to
/// the same next hop.
/// </para>
/// <para>
/// Fatal: nothing; whatever a peer or the DNS does defers or bounces recipients. Warned: replies that are no SMTP, addresses that cannot
/// be bound. A host that cannot be reached, does not greet or refuses the handshake is reported as a failure of the destination, when the
/// last one tried has failed so. Time-outs of our own never bounce mail.
/// </para>
/// <para>
/// Addresses go through generic(5) maps, and content through the client's own header and body checks, where the configuration has them; a
/// table that cannot answer defers the message.
/// </para>
/// <para>
/// Not done: SASL authentication, TLS policies by destination, DANE, MTA-STS, SRV look-ups,
/// work-arounds for PIX firewalls.
/// </para>
/// <para>See also RFC 5321, RFC 2033 (LMTP), RFC 3207, RFC 3461, RFC 6152, RFC 7505.</para>
/// </summary>
public sealed class SmtpDeliveryAgent : IDeliveryAgent, IDisposable
{
    private readonly bool lmtp;
    private readonly HostLookup hosts;
    private readonly OwnEndpoints own;
    private readonly DeadlineSweeper sweeper;
    private readonly MailLog log;
    private readonly SessionCache cache;
    private readonly OutputRules? rules;

    /// <param name="lmtp">Speaks LMTP, and reads the lmtp_ parameters.</param>
    /// <param name="settings">The configuration of the service, whose tables are opened now.</param>
    /// <param name="own">Where this system receives mail itself; finding it among the hosts is a loop.</param>
    public SmtpDeliveryAgent(
        bool lmtp, Settings settings, TableRegistry tables, IAddressResolver resolver, IDnsResolver dns, OwnEndpoints own, DeadlineSweeper sweeper, MailLog log)
    {
        this.lmtp = lmtp;
        this.own = own;
        this.sweeper = sweeper;
        this.log = log;
        hosts = new HostLookup(dns, own);
        cache = new SessionCache(sweeper);
        rules = OutputRules.From(settings, lmtp, tables, resolver, log);
    }

    public async ValueTask DeliverAsync(DeliveryRequest request, CancellationToken cancellationToken)
    {
        var options = ClientOptions.Of(request.Settings, lmtp);
        var attempt = new DeliveryAttempt(request, sweeper.Time);
        EndPoint? tried = null;
        while (attempt.Left > 0 && cache.TryTake(request.Nexthop, options, out var session))
        {
            if (await TransactAsync(session, attempt, request.Nexthop, cancellationToken).ConfigureAwait(false))
            {
                tried = session.Host.EndPoint;
                break;
            }
        }

        if (attempt.Left > 0)
        {
            await LookAndDeliverAsync(attempt, options, tried, cancellationToken).ConfigureAwait(false);
        }

        attempt.ReportRest();
    }

    public void CloseIdle(string nexthop) => cache.Close(nexthop);

    /// <summary>Closes the connections that wait.</summary>
    public void Dispose() => cache.Dispose();

    /// <param name="tried">The host that a kept connection led to: it has had its chance.</param>
    private async ValueTask LookAndDeliverAsync(DeliveryAttempt attempt, ClientOptions options, EndPoint? tried, CancellationToken cancellationToken)
    {
        var (destinations, error) = Destination.ParseList(attempt.Request.Nexthop, options.Routing, lmtp);
        if (error is not null)
        {
            log.Warning(attempt.Request.Transport, $"{error}");
            attempt.FailSite(attempt.WithoutSession(DeliveryAction.Deferred, "4.3.5", error));
            return;
        }

        var first = true;
        foreach (var destination in destinations)
        {
            var bestFor = first ? attempt.Request.Nexthop : null;
            first = false;
            if (await TryDestinationAsync(destination, attempt, options, bestFor, tried, cancellationToken).ConfigureAwait(false))
            {
                return;
            }
        }

        if (options.Routing.FallbackRelay.Length > 0)
        {
            foreach (var fallback in Destination.ParseList(options.Routing.FallbackRelay, options.Routing, lmtp).Destinations)
            {
                if (await TryDestinationAsync(fallback, attempt, options, null, tried, cancellationToken).ConfigureAwait(false))
                {
                    return;
                }
            }
        }
    }

    /// <summary>Tries the hosts of one destination; true when nothing is left to do.</summary>
    /// <param name="bestFor">The next hop whose first destination it is; null when it is another one.</param>
    private async ValueTask<bool> TryDestinationAsync(
        Destination destination, DeliveryAttempt attempt, ClientOptions options, string? bestFor, EndPoint? tried, CancellationToken cancellationToken)
    {
        var list = await hosts.FindAsync(destination, options, cancellationToken).ConfigureAwait(false);
        if (list.Failure is { } failure)
        {
            attempt.KeepSite(attempt.WithoutSession(failure.Action, failure.Dsn, failure.Text));
            return failure is { Action: DeliveryAction.Bounced, Dsn: "5.1.0" or "5.4.6" };
        }

        var sessions = 0;
        foreach (var host in list.Addresses)
        {
            if (host.EndPoint.Equals(tried))
            {
                continue;
            }

            attempt.LogKept(log);
            var best = host.Preference == list.Addresses[0].Preference ? bestFor : null;
            if (!await TryHostAsync(host, destination, attempt, options, best, cancellationToken).ConfigureAwait(false))
            {
                continue;
            }

            if (attempt.Left == 0 || ++sessions == options.Routing.SessionLimit)
            {
                break;
            }
        }

        return attempt.Left == 0;
    }

    /// <summary>Uses a kept session or a new one; false when the host could not be talked to.</summary>
    private async ValueTask<bool> TryHostAsync(
        HostAddress host, Destination destination, DeliveryAttempt attempt, ClientOptions options, string? bestFor, CancellationToken cancellationToken)
    {
        while (cache.TryTake(host, destination.Host, options, out var kept))
        {
            if (await TransactAsync(kept, attempt, bestFor, cancellationToken).ConfigureAwait(false))
            {
                return true;
            }
        }

        var session = await OpenAsync(host, destination, attempt, options, cancellationToken).ConfigureAwait(false);
        return session is not null && await TransactAsync(session, attempt, bestFor, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A session that is ready for mail; null when the host failed, which the attempt then knows.</summary>
    private async ValueTask<SmtpSession?> OpenAsync(
        HostAddress host, Destination destination, DeliveryAttempt attempt, ClientOptions options, CancellationToken cancellationToken)
    {
        var plaintext = false;
        while (true)
        {
            var tag = attempt.Request.Transport;
            var (socket, failure) = await Connector.ConnectAsync(host, options, log, tag, cancellationToken).ConfigureAwait(false);
            if (socket is null)
            {
                log.Info(tag, $"{failure}");
                attempt.FailConnection(attempt.WithoutSession(DeliveryAction.Deferred, "4.4.1", failure!));
                return null;
            }

            var session = new SmtpSession(
                new SocketConnection(socket, sweeper), host, destination.Host, options, log, tag, sweeper.Time.GetTimestamp());
            var ready = false;
            try
            {
                var handshake = new Handshake(session, attempt, destination, own, log);
                var result = await handshake.RunAsync(plaintext, cancellationToken).ConfigureAwait(false);
                ready = result.Failure is null;
                if (ready)
                {
                    session.UseCount = 1;
                    return session;
                }

                if (!result.RetryInPlaintext)
                {
                    attempt.FailSite(result.Failure!);
                    return null;
                }

                plaintext = true;
            }
            catch (PeerException e)
            {
                attempt.FailSite(attempt.Status(session, DeliveryAction.Deferred, e.Dsn, e.Describe(host.NameAddress)));
                return null;
            }
            finally
            {
                if (!ready)
                {
                    session.Leave();
                }
            }
        }
    }

    /// <summary>
    /// One message over an open session, which is then kept or closed. False when a kept connection turned out to be dead before the server
    /// can have delivered anything: nothing has happened then.
    /// </summary>
    private async ValueTask<bool> TransactAsync(SmtpSession session, DeliveryAttempt attempt, string? bestFor, CancellationToken cancellationToken)
    {
        attempt.EndSetup();
        var transaction = new MailTransaction(session, attempt, rules, log);
        var ended = false;
        try
        {
            await transaction.RunAsync(cancellationToken).ConfigureAwait(false);
            ended = true;
            return true;
        }
        catch (PeerException) when (session.UseCount > 1 && !transaction.SentEndOfData)
        {
            attempt.Restart();
            return false;
        }
        catch (PeerException e)
        {
            attempt.FailAll(attempt.Status(session, DeliveryAction.Deferred, e.Dsn, e.Describe(session.Host.NameAddress)));
            return true;
        }
        finally
        {
            session.IsDead |= !ended;
            cache.Put(session, bestFor);
        }
    }
}
