namespace Mta.Storage.Maps;

/// <summary>
/// What the rows of a lookup table mean. Each kind but the first has a table of its own, whose CHECKs say what a row must look like, and a
/// view for people.
/// </summary>
public enum LookupKind : byte
{
    /// <summary>Anything: <c>key whitespace value</c>.</summary>
    Map,

    /// <summary>aliases(5); the only one whose source file has another syntax, <c>name: value, value</c>.</summary>
    Aliases,
    Canonical,
    Virtual,
    Transport,
    Relocated,
    Access,
    Generic,

    /// <summary>sender_bcc_maps and recipient_bcc_maps.</summary>
    Bcc,
    SenderLogin,

    /// <summary>virtual_mailbox_maps.</summary>
    Mailbox,

    /// <summary>sender_dependent_relayhost_maps.</summary>
    Relayhost,

    /// <summary>Rules of patterns, which are in a table of their own (mta.pattern).</summary>
    Cidr,
    Regexp,
    Pcre,
}
