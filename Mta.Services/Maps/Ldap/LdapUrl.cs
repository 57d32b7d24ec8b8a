namespace Mta.Services.Maps.Ldap;

/// <summary>The part of an LDAP URL (RFC 4516) that names a search; the server is always that of the table.</summary>
/// <param name="Attributes">Empty for all.</param>
/// <param name="Scope">0 base, 1 one, 2 sub.</param>
internal sealed record LdapUrl(string SearchBase, string[] Attributes, int Scope, string Filter)
{
    /// <summary>Null for text that is no LDAP URL.</summary>
    public static LdapUrl? Parse(string text)
    {
        var start = text.IndexOf("://", StringComparison.Ordinal);
        if (start < 0 || !text.StartsWith("ldap", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var slash = text.IndexOf('/', start + 3);
        var parts = slash < 0 ? [] : text[(slash + 1)..].Split('?');
        string Part(int n) => n < parts.Length ? Uri.UnescapeDataString(parts[n]) : "";
        var filter = Part(3);
        return new LdapUrl(
            Part(0),
            Part(1).Split(',', StringSplitOptions.RemoveEmptyEntries),
            Part(2).ToLowerInvariant() switch { "one" => 1, "sub" => 2, _ => 0 },
            filter.Length == 0 ? "(objectClass=*)" : filter);
    }
}
