using Mta.Services.Clients;

namespace Mta.Services.Tests.Local;

/// <summary>local.test is local, fail.test cannot be resolved, bad.test is malformed, all else goes by SMTP.</summary>
internal sealed class TestResolver : IAddressResolver
{
    public ValueTask<Resolution> ResolveAsync(string sender, string recipient, CancellationToken cancellationToken)
    {
        var domain = recipient[(recipient.LastIndexOf('@') + 1)..];
        return new(domain switch
        {
            "local.test" => new Resolution(ResolveOutcome.Ok, AddressClass.Local, "local", domain, recipient),
            "fail.test" => new Resolution(ResolveOutcome.Failed, AddressClass.Default, "", "", recipient, Text: "table is away"),
            "bad.test" => new Resolution(ResolveOutcome.BadAddress, AddressClass.Default, "", "", recipient, Text: "bad address syntax"),
            _ => new Resolution(ResolveOutcome.Ok, AddressClass.Default, "smtp", domain, recipient),
        });
    }

    public string Rewrite(string address, bool localContext) => address.Contains('@', StringComparison.Ordinal) ? address : address + "@local.test";
}
