namespace Mta.Core.Lookup;

/// <summary>How letters of keys become lower case.</summary>
public enum KeyFolding : byte
{
    /// <summary>Of all alphabets, as lookups fold theirs.</summary>
    Unicode,

    /// <summary>A to Z only (postmap -u).</summary>
    Ascii,

    /// <summary>Not at all (postmap -f).</summary>
    None,
}

/// <summary>Folds keys.</summary>
public static class KeyFoldings
{
    public static string Apply(this KeyFolding folding, string key) => folding switch
    {
        KeyFolding.Unicode => key.ToLowerInvariant(),
        KeyFolding.Ascii => string.Create(key.Length, key, static (target, source) =>
        {
            for (var i = 0; i < source.Length; i++)
            {
                target[i] = char.IsAsciiLetterUpper(source[i]) ? (char)(source[i] | 0x20) : source[i];
            }
        }),
        _ => key,
    };
}
