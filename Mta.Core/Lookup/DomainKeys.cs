namespace Mta.Core.Lookup;

/// <summary>A host or domain name, then its parents: <c>mail.example.com</c>, <c>example.com</c>, <c>com</c> (access(5)).</summary>
/// <param name="withDots">Parents are asked for as <c>.example.com</c>.</param>
public struct DomainKeys(string name, bool withDots) : ILookupKeys
{
    private int dot = -1;

    public string Key { get; private set; } = "";

    public bool IsPartial { get; private set; }

    public bool MoveNext()
    {
        if (dot < 0)
        {
            // An address literal has no parents.
            dot = name is ['[', ..] ? name.Length : 0;
            Key = name;
            return true;
        }

        var next = dot < name.Length ? name.IndexOf('.', IsPartial ? dot + 1 : 0) : -1;
        if (next < 0 || next == name.Length - 1)
        {
            dot = name.Length;
            return false;
        }

        dot = next;
        IsPartial = true;
        Key = name[(withDots ? dot : dot + 1)..];
        return true;
    }
}
