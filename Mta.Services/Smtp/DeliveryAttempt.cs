using Mta.Core.Delivery;
using Mta.Core.Queue;
using Mta.Core.Smtp;
using Mta.Services.Clients;

namespace Mta.Services.Smtp;

/// <summary>
/// The recipients of one request while hosts are tried. A final outcome is reported at once. A temporary one is kept: the next host may
/// do better, and only when none is left is it reported.
/// </summary>
internal sealed class DeliveryAttempt(DeliveryRequest request, TimeProvider time)
{
    private readonly RecipientState[] states = new RecipientState[request.Recipients.Count];
    private DeliveryStatus?[]? kept;
    private DeliveryStatus? siteFailure;
    private DeliveryStatus? logged;
    private long setupEnd;

    private enum RecipientState : byte
    {
        Pending,
        /// <summary>The server took RCPT; the message is not delivered yet.</summary>
        Accepted,
        Done,
    }

    public DeliveryRequest Request => request;

    public int Count => states.Length;

    /// <summary>Recipients without a final outcome.</summary>
    public int Left { get; private set; } = request.Recipients.Count;

    public Recipient this[int index] => request.Recipients[index];

    public bool IsLeft(int index) => states[index] != RecipientState.Done;

    public bool IsAccepted(int index) => states[index] == RecipientState.Accepted;

    public void Accept(int index) => states[index] = RecipientState.Accepted;

    /// <summary>The connection stands: what follows is transmission time.</summary>
    public void EndSetup() => setupEnd = time.GetTimestamp();

    /// <summary>A final outcome.</summary>
    public void Report(int index, DeliveryStatus status)
    {
        states[index] = RecipientState.Done;
        Left--;
        request.Report(request.Recipients[index], status);
    }

    /// <summary>A temporary failure of one recipient; a permanent one is reported.</summary>
    public void Fail(int index, DeliveryStatus status)
    {
        if (status.Action == DeliveryAction.Bounced)
        {
            Report(index, status);
            return;
        }

        states[index] = RecipientState.Pending;
        siteFailure = null;
        (kept ??= new DeliveryStatus?[states.Length])[index] = status;
    }

    /// <summary>A failure of the message: of all recipients that are left.</summary>
    public void FailAll(DeliveryStatus status)
    {
        for (var i = 0; i < states.Length; i++)
        {
            if (IsLeft(i))
            {
                Fail(i, status);
            }
        }
    }

    /// <summary>A failure of the message after RCPT: of the recipients that the server had accepted.</summary>
    public void FailAccepted(DeliveryStatus status)
    {
        for (var i = 0; i < states.Length; i++)
        {
            if (IsAccepted(i))
            {
                Fail(i, status);
            }
        }
    }

    /// <summary>A failure of the host, before it was told of any message.</summary>
    public void FailSite(DeliveryStatus status)
    {
        FailAll(status);
        siteFailure = status.Action == DeliveryAction.Deferred ? status : null;
    }

    /// <summary>The host could not be reached, which has been logged.</summary>
    public void FailConnection(DeliveryStatus status)
    {
        FailSite(status);
        logged = status;
    }

    /// <summary>A failure to find hosts, temporary or permanent: it counts if no other destination does better.</summary>
    public void KeepSite(DeliveryStatus status)
    {
        kept ??= new DeliveryStatus?[states.Length];
        Array.Fill(kept, status);
        siteFailure = status.Action == DeliveryAction.Deferred ? status : null;
    }

    /// <summary>What was accepted over a connection that then broke is as it was before.</summary>
    public void Restart()
    {
        for (var i = 0; i < states.Length; i++)
        {
            if (IsAccepted(i))
            {
                states[i] = RecipientState.Pending;
            }
        }
    }

    /// <summary>Another host is tried: what was kept of this one is logged, as it may not be heard of again.</summary>
    public void LogKept(MailLog log)
    {
        DeliveryStatus? last = logged;
        for (var i = 0; kept is not null && i < states.Length; i++)
        {
            if (IsLeft(i) && kept[i] is { } status && status != last)
            {
                log.Info(request.Transport, $"{request.Envelope.Id}: {status.Text}");
                last = status;
            }
        }

        logged = last;
    }

    /// <summary>No host is left: the failures that were kept are final for this attempt.</summary>
    public void ReportRest()
    {
        if (Left > 0 && siteFailure is not null)
        {
            request.Reports.DestinationFailed(request, siteFailure);
        }

        for (var i = 0; i < states.Length; i++)
        {
            if (IsLeft(i))
            {
                Report(i, kept?[i] ?? DeliveryStatus.Deferred("4.3.0", "unknown mail transport error"));
            }
        }
    }

    /// <summary>A status from before there was a session: no address, no connection.</summary>
    public DeliveryStatus WithoutSession(DeliveryAction action, string dsn, string text) => new()
    {
        Action = action,
        Dsn = dsn,
        Text = text,
        ConnectionSetup = time.GetElapsedTime(request.StartTimestamp),
    };

    /// <summary>A status that comes from a reply of the server.</summary>
    /// <param name="command">The command it answers, for a failure: <c>RCPT TO command</c>.</param>
    public DeliveryStatus FromReply(SmtpSession session, Reply reply, string command) => Status(
        session,
        reply.Class == 5 ? DeliveryAction.Bounced : DeliveryAction.Deferred,
        reply.Dsn,
        $"host {session.Host.NameAddress} said: {reply.Text} (in reply to {command})",
        reply.Text);

    /// <summary>A status of a recipient that a server was asked to take.</summary>
    public DeliveryStatus Status(
        SmtpSession session, DeliveryAction action, string dsn, string text, string? remoteReply = null, bool dsnPassedOn = false) => new()
        {
            Action = action,
            Dsn = dsn,
            Text = text,
            Relay = session.Host.Relay,
            RemoteMta = remoteReply is null ? null : session.Host.Host,
            RemoteReply = remoteReply,
            ConnectionUse = session.UseCount,
            Tls = session.Tls,
            ConnectionSetup = setupEnd == 0 ? time.GetElapsedTime(request.StartTimestamp) : time.GetElapsedTime(request.StartTimestamp, setupEnd),
            Transmission = setupEnd == 0 ? default : time.GetElapsedTime(setupEnd),
            DsnPassedOn = dsnPassedOn,
        };
}
