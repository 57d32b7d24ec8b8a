using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Net;

namespace Mta.Services.Maps;

/// <summary>What looking up an address needs beside the tables: where extensions begin, and which domains are this system's own.</summary>
public sealed record MailAddressContext(ExtensionRules Extensions, LocalDomains LocalDomains)
{
    /// <summary>By mydestination, myorigin and the addresses of this system, as canonical(5), virtual(5) and generic(5) say.</summary>
    internal static MailAddressContext From(Settings settings, TableRegistry tables) => new(
        ExtensionRules.From(settings),
        new LocalDomains(
            tables.OpenList(settings, Parameters.Mydestination, MatchListKind.Strings),
            settings.Get(Parameters.Myorigin),
            OwnAddresses.From(settings)));
}
