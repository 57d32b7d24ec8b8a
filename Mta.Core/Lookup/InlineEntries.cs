namespace Mta.Core.Lookup;

/// <summary>The content of an <c>inline:{ key=value, {key = text with spaces} }</c> table.</summary>
public static class InlineEntries
{
    private const string Space = " \t\r\n";

    /// <summary>Reads <paramref name="name"/>, what stands after <c>inline:</c>. Keys are folded to lower case; the last of two equal keys counts.</summary>
    /// <returns>The entries, or null with the reason in <paramref name="error"/>.</returns>
    public static Dictionary<string, string>? Parse(string name, out string? error)
    {
        const string need = "need \"inline:{name=value...}\"";
        error = null;
        var text = name.AsSpan().Trim(Space);
        if (text.Length < 2 || text[0] != '{' || text[^1] != '}' || text[1..^1].Trim(Space).IsEmpty)
        {
            error = $"bad syntax: \"inline:{name}\"; {need}";
            return null;
        }

        var entries = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var token in new ListTokens(text[1..^1]))
        {
            var entry = token is ['{', .. var inner, '}'] ? inner.Trim(Space) : token;
            var equals = entry.IndexOf('=');
            if (equals < 0 || entry[..equals].Trim(Space).ContainsAny(Space))
            {
                error = $"missing '=' after attribute name: \"inline:{name}\"; {need}";
                return null;
            }

            var key = entry[..equals].Trim(Space).ToString().ToLowerInvariant();
            entries[key] = entry[(equals + 1)..].Trim(Space).ToString();
        }

        return entries;
    }
}
