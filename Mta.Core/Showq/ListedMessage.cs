using Mta.Core.Queue;

namespace Mta.Core.Showq;

/// <summary>A message as a listing of the queue shows it, before its recipients.</summary>
public readonly record struct ListedMessage
{
    /// <summary><c>maildrop</c>, <c>active</c>, <c>incoming</c>, <c>deferred</c>, <c>hold</c> or <c>corrupt</c>.</summary>
    public required string Queue { get; init; }

    /// <summary>Its time is the arrival time.</summary>
    public required QueueId Id { get; init; }

    /// <summary>Bytes.</summary>
    public required long Size { get; init; }

    /// <summary>In internal form; empty for the null sender.</summary>
    public required string Sender { get; init; }

    /// <summary>The administrator asked for its return.</summary>
    public bool ForcedExpire { get; init; }

    /// <summary>The node that owns it; null when none does.</summary>
    public string? Node { get; init; }

    /// <summary>The sender as listings show it.</summary>
    internal string ShownSender => Sender.Length == 0 ? "MAILER-DAEMON" : Addresses.AddressQuoting.ToExternal(Sender);
}
