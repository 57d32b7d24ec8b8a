using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Maps;

namespace Mta.Services.Local;

/// <summary>The tables of one configuration, opened once.</summary>
internal sealed class LocalTables(Settings settings, TableRegistry registry)
{
    private readonly TableList aliases = registry.Open(settings, Parameters.AliasMaps, TableTrust.Secure);
    private readonly ILookupTable users = registry.Open("unix:passwd.byname");

    public Settings Settings { get; } = settings;

    public ExtensionRules Extensions { get; } = ExtensionRules.From(settings);

    /// <summary>What an alias stands for. Keys are local parts in lower case and external form.</summary>
    public ValueTask<LookupResult> AliasAsync(string name, CancellationToken cancellationToken) =>
        aliases.IsEmpty
            ? new(LookupResult.NotFound)
            : aliases.FindAsync(AddressQuoting.IsDotString(name) ? name : AddressQuoting.ToExternal(name + "@")[..^1], cancellationToken);

    /// <summary>The user's line of passwd(5).</summary>
    public ValueTask<LookupResult> UserAsync(string name, CancellationToken cancellationToken) => users.FindAsync(name, cancellationToken);
}
