namespace Mta.Core.Lookup;

/// <summary>An address, then its networks: <c>192.0.2.1</c>, <c>192.0.2</c>, <c>192.0</c>, <c>192</c>; an IPv6 address by its colons (access(5)).</summary>
public struct NetworkKeys(string address) : ILookupKeys
{
    public string Key { get; private set; } = "";

    public bool IsPartial { get; private set; }

    public bool MoveNext()
    {
        if (Key.Length == 0)
        {
            Key = IsPartial ? "" : address;
            return Key.Length > 0;
        }

        IsPartial = true;
        var cut = Key.AsSpan().LastIndexOfAny('.', ':');
        Key = cut > 0 ? Key[..cut].TrimEnd(':') : "";
        return Key.Length > 0;
    }
}
