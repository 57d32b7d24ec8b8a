using Mta.Core.Addresses;

namespace Mta.Services.Maps;

/// <summary>What looking up an address needs beside the tables: where extensions begin, and which domains are this system's own.</summary>
public sealed record MailAddressContext(ExtensionRules Extensions, LocalDomains LocalDomains);
