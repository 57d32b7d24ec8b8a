namespace Mta.Core.Lookup;

/// <summary>What a match list asks its tables for: the name, its parents where the list has them, and the address.</summary>
/// <param name="parents">The list is one of domains or hosts.</param>
/// <param name="withDots">Parents are asked for as <c>.example.com</c>, for the list has no parent_domain_matches_subdomains.</param>
/// <param name="address">As text; empty when there is none.</param>
public struct MatchKeys(string name, bool parents, bool withDots, string address) : ILookupKeys
{
    private int dot = -1;
    private bool done;

    public string Key { get; private set; } = "";

    public bool IsPartial { get; private set; }

    public bool MoveNext()
    {
        if (dot < 0)
        {
            dot = 0;
            if (name.Length > 0)
            {
                Key = name;
                return true;
            }
        }

        if (parents && dot < name.Length && name.IndexOf('.', dot + 1) is > 0 and var next && (withDots || next + 1 < name.Length))
        {
            dot = next;
            IsPartial = true;
            Key = name[(withDots ? dot : dot + 1)..];
            return true;
        }

        if (done || address.Length == 0)
        {
            return false;
        }

        done = true;
        dot = name.Length;
        IsPartial = false;
        Key = address;
        return true;
    }
}
