using Mta.Services.Clients;
using Mta.Storage.Queue;

namespace Mta.Services.Smtpd;

/// <summary>
/// What access tables ask for the message of one transaction: collected from the first check on, when there is no message yet, and given to it
/// with its content. A refusal changes nothing of it; the end of the transaction forgets it.
/// </summary>
internal sealed class TransactionRules
{
    private List<string>? prepended;
    private List<string>? copies;

    public bool Hold { get; set; }

    /// <summary>The message is thrown away, so nothing more is asked about it.</summary>
    public bool Discard { get; set; }

    /// <summary>transport:nexthop; the last one counts.</summary>
    public string? Filter { get; set; }

    /// <summary>The last one counts.</summary>
    public string? Redirect { get; set; }

    /// <summary>A header field for the begin of the message; the first one said is the first one there.</summary>
    public void Prepend(string header) => (prepended ??= []).Add(header);

    /// <summary>One more recipient, of a copy.</summary>
    public void AddBcc(string address) => (copies ??= []).Add(address);

    private bool IsEmpty => prepended is null && !Hold && !Discard && Filter is null && Redirect is null && copies is null;

    /// <summary>At the begin of the content.</summary>
    public void BeginMessage(ICleanupTransaction message)
    {
        if (IsEmpty)
        {
            return;
        }

        foreach (var header in prepended ?? [])
        {
            message.PrependHeader(header);
        }

        prepended = null;
        ApplyTo(message);
    }

    /// <summary>Before the content, so that rules about content are the later ones; and once more when it is complete.</summary>
    public void ApplyTo(ICleanupTransaction message)
    {
        if (IsEmpty)
        {
            return;
        }

        var actions = message.Actions;
        actions.Discard |= Discard;
        if (Hold && actions.Hold == HoldReason.None)
        {
            actions.Hold = HoldReason.Access;
        }

        (actions.Filter, Filter) = (Filter ?? actions.Filter, null);
        (actions.Redirect, Redirect) = (Redirect ?? actions.Redirect, null);
        foreach (var address in copies ?? [])
        {
            actions.AddBcc(address);
        }

        copies = null;
    }

    public void Clear()
    {
        prepended = null;
        Hold = false;
        Discard = false;
        Filter = null;
        Redirect = null;
        copies = null;
    }
}
