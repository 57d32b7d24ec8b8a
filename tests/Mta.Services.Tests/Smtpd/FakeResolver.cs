using Mta.Core.Config;
using Mta.Services.Clients;

namespace Mta.Services.Tests.Smtpd;

/// <summary>Address classes by plain domain lists.</summary>
internal sealed class FakeResolver(Settings settings) : IAddressResolver
{
    public string Rewrite(string address, bool localContext) =>
        address.Length == 0 || address.Contains('@', StringComparison.Ordinal) ? address : address + "@" + settings.Get(Parameters.Myorigin);

    public ValueTask<Resolution> ResolveAsync(string sender, string recipient, CancellationToken cancellationToken)
    {
        var at = recipient.LastIndexOf('@');
        var local = recipient[..at];
        var domain = recipient[(at + 1)..].ToLowerInvariant();
        if (domain.Length == 0 || domain.Contains("..", StringComparison.Ordinal) || domain == "[1.2.3.4.5]")
        {
            return new(new Resolution(ResolveOutcome.BadAddress, AddressClass.Default, "", "", recipient));
        }

        if (domain == "unresolvable.test")
        {
            return new(new Resolution(ResolveOutcome.Failed, AddressClass.Default, "", "", recipient, Text: "a table is away"));
        }

        var routed = local.AsSpan().IndexOfAny('%', '!', '@') >= 0;
        return new(new Resolution(ResolveOutcome.Ok, ClassOf(domain), "smtp", domain, recipient, routed));
    }

    private AddressClass ClassOf(string domain) =>
        Has(Parameters.Mydestination, domain) ? AddressClass.Local
        : Has(Parameters.VirtualAliasDomains, domain) ? AddressClass.VirtualAlias
        : Has(Parameters.VirtualMailboxDomains, domain) ? AddressClass.VirtualMailbox
        : Has(Parameters.RelayDomains, domain) ? AddressClass.Relay
        : AddressClass.Default;

    private bool Has(Parameter<string> list, string domain) =>
        settings.Get(list).Split([' ', ','], StringSplitOptions.RemoveEmptyEntries).Contains(domain);
}
