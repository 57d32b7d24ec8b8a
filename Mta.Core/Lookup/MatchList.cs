using System.Collections.Frozen;
using System.Net;

namespace Mta.Core.Lookup;

/// <summary>What the elements of a list parameter are compared with.</summary>
public enum MatchListKind : byte
{
    /// <summary>Whole strings: mydestination, virtual_alias_domains, virtual_mailbox_domains.</summary>
    Strings,
    /// <summary>Host or domain names, with their parents: relay_domains, fast_flush_domains.</summary>
    Domains,
    /// <summary>Host names and addresses: mynetworks, debug_peer_list.</summary>
    NamesAndAddresses,
}

public enum MatchStepKind : byte
{
    /// <summary>The list is at its end, or an element with <c>!</c> matched.</summary>
    NoMatch,
    Match,
    /// <summary>A table has to be asked before the walk can go on.</summary>
    AskTable,
    /// <summary>The list has an element that cannot be read; nothing behind it can be decided.</summary>
    Failed,
}

/// <param name="Table">For <see cref="MatchStepKind.AskTable"/>: the position in <see cref="MatchList.Tables"/>.</param>
/// <param name="Negated">For <see cref="MatchStepKind.AskTable"/>: being found there means <see cref="MatchStepKind.NoMatch"/>.</param>
/// <param name="Text">For <see cref="MatchStepKind.Failed"/>: the reason.</param>
public readonly record struct MatchStep(MatchStepKind Kind, int Table = 0, bool Negated = false, string Text = "");

/// <summary>
/// A list of patterns such as mynetworks, mydestination or relay_domains, read once. The first element that matches decides. Matching
/// allocates nothing. Elements that are tables are left to the caller, who resumes the walk with the answer.
/// </summary>
public sealed partial class MatchList
{
    /// <summary>Above this many elements that are all plain names, a set replaces the walk.</summary>
    private const int SmallList = 8;

    private readonly Entry[] entries;
    private readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>>? names;

    private MatchList(string owner, MatchListKind kind, bool matchesSubdomains, Entry[] entries, TableReference[] tables)
    {
        Owner = owner;
        Kind = kind;
        MatchesSubdomains = matchesSubdomains;
        this.entries = entries;
        Tables = tables;
        if (entries.Length > SmallList && entries.All(e => e is { Kind: EntryKind.Name, Negated: false }))
        {
            names = entries.Select(e => e.Text).ToFrozenSet(StringComparer.OrdinalIgnoreCase).GetAlternateLookup<ReadOnlySpan<char>>();
        }
    }

    private enum EntryKind : byte
    {
        Name,
        Network,
        Table,
        Error,
    }

    /// <summary>The parameter's name, for messages.</summary>
    public string Owner { get; }

    public MatchListKind Kind { get; }

    /// <summary>parent_domain_matches_subdomains names the parameter: <c>domain</c> matches its subdomains; else it takes <c>.domain</c>.</summary>
    public bool MatchesSubdomains { get; }

    public bool IsEmpty => entries.Length == 0;

    /// <summary>The tables among the elements, in order.</summary>
    public IReadOnlyList<TableReference> Tables { get; }

    /// <summary>What is wrong with elements of the list, to be warned of when it is read.</summary>
    public IEnumerable<string> Errors => entries.Where(e => e.Kind == EntryKind.Error).Select(e => e.Text);

    /// <summary>
    /// Walks the list from <paramref name="position"/> (0 at first) to the first element that decides. After
    /// <see cref="MatchStepKind.AskTable"/> and an answer of not found, the next call goes on behind the table.
    /// </summary>
    /// <param name="name">A host or domain name, or a string; empty when there is only an address.</param>
    public MatchStep Next(ReadOnlySpan<char> name, IPAddress? address, ref int position)
    {
        if (names is { } set)
        {
            return new MatchStep(IsIn(set, name) ? MatchStepKind.Match : MatchStepKind.NoMatch);
        }

        while (position < entries.Length)
        {
            ref readonly var entry = ref entries[position++];
            switch (entry.Kind)
            {
                case EntryKind.Table:
                    return new MatchStep(MatchStepKind.AskTable, entry.Table, entry.Negated);
                case EntryKind.Error:
                    return new MatchStep(MatchStepKind.Failed, Text: entry.Text);
                case EntryKind.Network when address is not null && entry.Network.Contains(address):
                case EntryKind.Name when MatchesName(entry.Text, name):
                    return new MatchStep(entry.Negated ? MatchStepKind.NoMatch : MatchStepKind.Match);
            }
        }

        return new MatchStep(MatchStepKind.NoMatch);
    }

    private bool MatchesName(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        const StringComparison ignoreCase = StringComparison.OrdinalIgnoreCase;
        if (name.Length <= pattern.Length)
        {
            return name.Length == pattern.Length && !name.IsEmpty && name.Equals(pattern, ignoreCase);
        }

        return Kind != MatchListKind.Strings
            && (MatchesSubdomains ? name[^(pattern.Length + 1)] == '.' : pattern is ['.', ..])
            && name.EndsWith(pattern, ignoreCase);
    }

    private bool IsIn(FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> set, ReadOnlySpan<char> name)
    {
        if (set.Contains(name))
        {
            return true;
        }

        if (Kind != MatchListKind.Strings && !name.IsEmpty)
        {
            for (int dot; (dot = name[1..].IndexOf('.') + 1) > 0;)
            {
                name = name[dot..];
                if (set.Contains(MatchesSubdomains ? name[1..] : name))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private readonly record struct Entry(EntryKind Kind, bool Negated, string Text, NetworkPattern Network = default, int Table = 0);
}
