namespace Mta.Storage.Maps;

/// <summary>The words for kinds of tables in the database, frozen by a test.</summary>
public static class LookupKinds
{
    private static readonly Dictionary<string, LookupKind> Kinds = new(StringComparer.Ordinal)
    {
        ["map"] = LookupKind.Map,
        ["aliases"] = LookupKind.Aliases,
        ["canonical"] = LookupKind.Canonical,
        ["virtual"] = LookupKind.Virtual,
        ["transport"] = LookupKind.Transport,
        ["relocated"] = LookupKind.Relocated,
        ["access"] = LookupKind.Access,
        ["generic"] = LookupKind.Generic,
        ["bcc"] = LookupKind.Bcc,
        ["sender_login"] = LookupKind.SenderLogin,
        ["mailbox"] = LookupKind.Mailbox,
        ["relayhost"] = LookupKind.Relayhost,
        ["cidr"] = LookupKind.Cidr,
        ["regexp"] = LookupKind.Regexp,
        ["pcre"] = LookupKind.Pcre,
    };

    private static readonly Dictionary<LookupKind, string> Words = Kinds.ToDictionary(k => k.Value, k => k.Key);

    /// <summary>All words, in no order.</summary>
    public static IEnumerable<string> Names => Kinds.Keys;

    public static string Name(LookupKind kind) => Words[kind];

    /// <summary>Null for a word that is none.</summary>
    public static LookupKind? Find(string name) => Kinds.TryGetValue(name, out var kind) ? kind : null;
}
