namespace Mta.Services.Clients;

/// <summary>ADDRESS_CLASS_README's classes.</summary>
public enum AddressClass : byte
{
    Default = 0,
    Local = 1,
    VirtualAlias = 2,
    VirtualMailbox = 3,
    Relay = 4,
}

public enum ResolveOutcome : byte
{
    Ok = 0,
    /// <summary>A table could not answer; defer.</summary>
    Failed = 1,
    /// <summary>The address itself is bad (5.1.3).</summary>
    BadAddress = 2,
}

/// <summary>Where an address goes. <paramref name="Text"/> is the reason when it is not <see cref="ResolveOutcome.Ok"/>.</summary>
/// <param name="Routed">The local part has routing operators (% ! @), so that relay control must not trust the domain.</param>
public sealed record Resolution(
    ResolveOutcome Outcome,
    AddressClass Class,
    string Transport,
    string Nexthop,
    string Recipient,
    bool Routed = false,
    string? Text = null);

/// <summary>What trivial-rewrite(8) does: addresses made complete, and resolved to transport and next hop. Addresses are in internal (unquoted) form.</summary>
public interface IAddressResolver
{
    ValueTask<Resolution> ResolveAsync(string sender, string recipient, CancellationToken cancellationToken);

    /// <summary>The address with <c>@$myorigin</c> and the like added, in local context (<paramref name="localContext"/>) or with remote_header_rewrite_domain.</summary>
    string Rewrite(string address, bool localContext);
}
