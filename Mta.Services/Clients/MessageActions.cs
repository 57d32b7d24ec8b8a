using Mta.Storage.Queue;

namespace Mta.Services.Clients;

/// <summary>What rules ask for a message as a whole: actions of access(5) and header_checks(5). They take effect when the message is complete.</summary>
public sealed class MessageActions
{
    /// <summary>The message goes into the hold queue.</summary>
    public HoldReason Hold { get; set; }

    /// <summary>The message is accepted and thrown away.</summary>
    public bool Discard { get; set; }

    /// <summary>The one recipient in the place of all others; null for none.</summary>
    public string? Redirect { get; set; }

    /// <summary>transport:nexthop that every recipient goes to; the last one said counts. Null for none.</summary>
    public string? Filter { get; set; }

    /// <summary>Recipients that get a copy; null for none.</summary>
    public List<string>? Bcc { get; private set; }

    public void AddBcc(string address) => (Bcc ??= []).Add(address);
}
