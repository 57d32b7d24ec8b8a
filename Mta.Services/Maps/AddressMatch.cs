using Mta.Core.Lookup;

namespace Mta.Services.Maps;

/// <summary>The answer of a table list for an address.</summary>
/// <param name="Kind">Which form of the address was found.</param>
/// <param name="UnmatchedExtension">The extension that the found key left out, with its delimiter (<c>+ext</c>); what
/// propagate_unmatched_extensions may put into the result.</param>
public readonly record struct AddressMatch(LookupResult Result, AddressKeyKind Kind, string UnmatchedExtension)
{
    public bool IsFound => Result.IsFound;

    public bool IsFailed => Result.IsFailed;
}
