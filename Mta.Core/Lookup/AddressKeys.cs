using Mta.Core.Addresses;

namespace Mta.Core.Lookup;

/// <summary>Which keys an address is looked up with.</summary>
[Flags]
public enum AddressKeyForms
{
    None = 0,
    /// <summary><c>user+extension@domain</c></summary>
    Full = 1,
    /// <summary><c>user@domain</c></summary>
    WithoutExtension = 2,
    /// <summary><c>user+extension</c> and <c>user</c>, when the domain is this mail system's own.</summary>
    LocalPartIfLocal = 4,
    /// <summary><c>@domain</c></summary>
    AtDomain = 8,
    /// <summary><c>domain</c></summary>
    Domain = 16,
    /// <summary><c>.parent</c> of the domain, and its parents.</summary>
    DotParentDomains = 32,
    /// <summary><c>parent</c> of the domain, and its parents (parent_domain_matches_subdomains).</summary>
    ParentDomains = 64,
    /// <summary><c>*</c></summary>
    Wildcard = 128,
    /// <summary>A key that stands in quotes is asked for without them too, afterwards. As in Postfix, which does it for all but canonical(5), virtual(5) and generic(5).</summary>
    PlainToo = 256,

    /// <summary>canonical(5), generic(5) and virtual(5).</summary>
    Address = Full | WithoutExtension | LocalPartIfLocal | AtDomain,

    /// <summary>relocated(5), and the *_recipient_maps, mailbox and bcc maps.</summary>
    AddressOrPlain = Address | PlainToo,

    /// <summary>sender_dependent_relayhost_maps and the like, which have no local form.</summary>
    SenderDependent = Full | WithoutExtension | AtDomain | PlainToo,

    /// <summary>transport(5).</summary>
    Transport = Full | WithoutExtension | Domain | DotParentDomains | Wildcard | PlainToo,
}

/// <summary>What the current key of <see cref="AddressKeys"/> is.</summary>
public enum AddressKeyKind : byte
{
    None,
    Full,
    WithoutExtension,
    /// <summary>No key yet: the caller says by <see cref="AddressKeys.SetDomainIsLocal"/> whether the domain is local, and moves on.</summary>
    AskDomainIsLocal,
    LocalPart,
    LocalPartWithoutExtension,
    AtDomain,
    Domain,
    ParentDomain,
    Wildcard,
}

/// <summary>
/// The keys of an address in the order of the table manual pages, in external form; tables fold them to lower case. Every table of a
/// parameter is asked for a key before the next key. A sequence of values: it makes a string only for the key that is asked.
/// As <see cref="ILookupKeys"/> it takes the domain for local: those are all keys that a walk may ask for.
/// </summary>
public struct AddressKeys : ILookupKeys
{
    private readonly string address;
    private readonly AddressKeyForms forms;
    private readonly int at;
    private readonly int delimiter;
    private AddressKeyKind kind;
    private bool domainIsLocal;
    private string? plain;
    private int parent;

    /// <param name="address">In internal form. The null address has no keys.</param>
    public AddressKeys(string address, ExtensionRules extensions, AddressKeyForms forms)
    {
        this.address = address;
        this.forms = address.Length == 0 ? AddressKeyForms.None : forms;
        at = address.LastIndexOf('@');
        delimiter = extensions.IndexOfDelimiter(MailAddress.LocalPart(address));
        Key = "";
    }

    /// <summary>The key to ask for; meaningless while <see cref="Kind"/> is <see cref="AddressKeyKind.AskDomainIsLocal"/>.</summary>
    public string Key { get; private set; }

    public readonly AddressKeyKind Kind => kind;

    /// <summary>True for keys that are a part of the address; tables of patterns are asked for the whole address only.</summary>
    public readonly bool IsPartial => kind != AddressKeyKind.Full;

    /// <summary>The domain; empty when there is none.</summary>
    public readonly ReadOnlySpan<char> Domain => at < 0 ? [] : address.AsSpan(at + 1);

    /// <summary>The extension that the current key left out, with its delimiter (<c>+ext</c>); empty for other keys.</summary>
    public readonly ReadOnlySpan<char> UnmatchedExtension =>
        kind is AddressKeyKind.WithoutExtension or AddressKeyKind.LocalPartWithoutExtension
            ? address.AsSpan(delimiter..(at < 0 ? address.Length : at))
            : [];

    /// <summary>The answer to <see cref="AddressKeyKind.AskDomainIsLocal"/>.</summary>
    public void SetDomainIsLocal(bool value) => domainIsLocal = value;

    bool ILookupKeys.MoveNext()
    {
        if (!MoveNext())
        {
            return false;
        }

        if (kind != AddressKeyKind.AskDomainIsLocal)
        {
            return true;
        }

        domainIsLocal = true;
        return MoveNext();
    }

    public bool MoveNext()
    {
        if (plain is not null)
        {
            Key = plain;
            plain = null;
            return true;
        }

        while (kind < AddressKeyKind.Wildcard)
        {
            if (kind == AddressKeyKind.ParentDomain && parent > 0 && MoveToParent())
            {
                return true;
            }

            kind++;
            if (Enter())
            {
                return true;
            }
        }

        return false;
    }

    private bool Enter()
    {
        switch (kind)
        {
            case AddressKeyKind.Full when Has(AddressKeyForms.Full):
                SetKey(AddressQuoting.ToExternal(address), address);
                return true;
            case AddressKeyKind.WithoutExtension when Has(AddressKeyForms.WithoutExtension) && delimiter >= 0:
                var stripped = at < 0 ? address[..delimiter] : string.Concat(address.AsSpan(0, delimiter), address.AsSpan(at));
                SetKey(AddressQuoting.ToExternal(stripped), stripped);
                return true;
            case AddressKeyKind.AskDomainIsLocal:
                return Has(AddressKeyForms.LocalPartIfLocal) && at >= 0;
            case AddressKeyKind.LocalPart when domainIsLocal:
                SetLocalPart(at);
                return true;
            case AddressKeyKind.LocalPartWithoutExtension when domainIsLocal && delimiter >= 0:
                SetLocalPart(delimiter);
                return true;
            case AddressKeyKind.AtDomain when Has(AddressKeyForms.AtDomain) && at >= 0:
                Key = address[at..];
                return true;
            case AddressKeyKind.Domain when Has(AddressKeyForms.Domain) && at >= 0 && at + 1 < address.Length:
                Key = address[(at + 1)..];
                return true;
            case AddressKeyKind.ParentDomain when Has(AddressKeyForms.DotParentDomains | AddressKeyForms.ParentDomains) && at >= 0:
                parent = at + 1;
                return MoveToParent();
            case AddressKeyKind.Wildcard when Has(AddressKeyForms.Wildcard):
                Key = "*";
                return true;
            default:
                return false;
        }
    }

    private bool MoveToParent()
    {
        // An address literal has no parents.
        if (parent >= address.Length || address[parent] == '[')
        {
            return false;
        }

        var dot = address.IndexOf('.', parent + 1);
        if (dot < 0 || dot + 1 == address.Length)
        {
            return false;
        }

        parent = dot;
        Key = address[(Has(AddressKeyForms.DotParentDomains) ? dot : dot + 1)..];
        return true;
    }

    private readonly bool Has(AddressKeyForms any) => (forms & any) != 0;

    /// <summary>The part before <paramref name="end"/>, quoted where needed even if it has an <c>@</c> of its own.</summary>
    private void SetLocalPart(int end)
    {
        var part = address[..end];
        SetKey(AddressQuoting.IsDotString(part) ? part : AddressQuoting.ToExternal(part + "@")[..^1], part);
    }

    private void SetKey(string external, string internalForm)
    {
        Key = external;
        plain = Has(AddressKeyForms.PlainToo) && !ReferenceEquals(external, internalForm) ? internalForm : null;
    }
}
