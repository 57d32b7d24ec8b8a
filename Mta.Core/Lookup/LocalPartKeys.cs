using Mta.Core.Addresses;

namespace Mta.Core.Lookup;

/// <summary>The local part of an address with its <c>@</c>, then without its extension: <c>user+ext@</c>, <c>user@</c> (access(5)).</summary>
/// <param name="address">In internal form; one without a domain has no such keys.</param>
public struct LocalPartKeys(string address, ExtensionRules extensions) : ILookupKeys
{
    private readonly int at = address.LastIndexOf('@');
    private int step;

    public string Key { get; private set; } = "";

    public readonly bool IsPartial => true;

    public bool MoveNext()
    {
        if (at <= 0 || step > 1)
        {
            return false;
        }

        if (step++ == 0)
        {
            Key = address[..(at + 1)];
            return true;
        }

        if (extensions.IndexOfDelimiter(address.AsSpan(0, at)) is > 0 and var delimiter)
        {
            Key = $"{address.AsSpan(0, delimiter)}@";
            return true;
        }

        return false;
    }
}
