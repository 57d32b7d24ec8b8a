namespace Mta.Core.Delivery;

/// <summary>What became of one recipient in one attempt; frozen numbers, they are stored.</summary>
public enum DeliveryAction : short
{
    /// <summary>Delivered or passed on; done.</summary>
    Sent = 0,
    /// <summary>To be tried again.</summary>
    Deferred = 1,
    /// <summary>Failed for ever; the sender is told.</summary>
    Bounced = 2,
    /// <summary>Replaced by other recipients (aliases, forwarding); done.</summary>
    Expanded = 3,
    /// <summary>Passed to a host that does not know DSN (RFC 3461 section 5.2.2); done.</summary>
    Relayed = 4,
    /// <summary>Put off like <see cref="Deferred"/>, as the log says, and too old to be tried again: returned to the sender; done.</summary>
    Expired = 5,
}

/// <summary>The outcome of one attempt for one recipient, as the log line and a delivery status notification tell it.</summary>
public sealed class DeliveryStatus
{
    public required DeliveryAction Action { get; init; }

    /// <summary>The enhanced status code of RFC 3463, for example <c>4.4.1</c>.</summary>
    public required string Dsn { get; init; }

    /// <summary>The text in parentheses at the end of the log line; printable.</summary>
    public required string Text { get; init; }

    /// <summary><c>host[address]:port</c>, a transport's name, or <c>none</c>.</summary>
    public string Relay { get; init; } = "none";

    /// <summary>The host that gave the reply, for Remote-MTA; null when the reason is our own.</summary>
    public string? RemoteMta { get; init; }

    /// <summary>The reply of the remote host, for Diagnostic-Code; null when the reason is our own.</summary>
    public string? RemoteReply { get; init; }

    /// <summary>How many messages this connection has carried with this one; below 2 is not logged.</summary>
    public int ConnectionUse { get; init; }

    /// <summary>The tls= part of the log line (<c>may</c>, <c>encrypt</c> ...); null when none.</summary>
    public string? Tls { get; init; }

    /// <summary>The next system has taken over to tell the sender of success (RFC 3461 section 5.2.2): none is made here.</summary>
    public bool DsnPassedOn { get; init; }

    /// <summary>Time spent connecting, greeting and negotiating (the c of delays=a/b/c/d).</summary>
    public TimeSpan ConnectionSetup { get; init; }

    /// <summary>Time spent sending the message (the d of delays=a/b/c/d).</summary>
    public TimeSpan Transmission { get; init; }

    public static DeliveryStatus Deferred(string dsn, string text) => new() { Action = DeliveryAction.Deferred, Dsn = dsn, Text = text };

    public static DeliveryStatus Bounced(string dsn, string text) => new() { Action = DeliveryAction.Bounced, Dsn = dsn, Text = text };
}
