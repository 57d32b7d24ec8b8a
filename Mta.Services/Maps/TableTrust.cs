namespace Mta.Services.Maps;

/// <summary>What the results of a table may be made of, by what they decide.</summary>
public enum TableTrust : byte
{
    Any,

    /// <summary>Results name transports: a sender must not choose them by what <c>$1</c> takes from an address.</summary>
    NoSubstitution,

    /// <summary>Results name files, commands and users: no <c>$1</c>, and no server of a protocol that proves nothing (tcp, socketmap, memcache).</summary>
    Secure,
}
