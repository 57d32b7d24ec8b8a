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
            var end = NameEnd(entry);
            var equals = entry.Length - entry[end..].TrimStart(Space).Length;
            if (equals == entry.Length || entry[equals] != '=')
            {
                error = $"missing '=' after attribute name: \"inline:{name}\"; {need}";
                return null;
            }

            var key = entry[..end].ToString().ToLowerInvariant();
            entries[key] = entry[(equals + 1)..].Trim(Space).ToString();
        }

        return entries;
    }

    /// <summary>A name ends at white space or the equals sign outside of double quotes.</summary>
    private static int NameEnd(ReadOnlySpan<char> entry)
    {
        var quoted = false;
        for (var i = 0; i < entry.Length; i++)
        {
            if (entry[i] == '"')
            {
                quoted = !quoted;
            }
            else if (entry[i] == '\\')
            {
                i++;
            }
            else if (!quoted && (entry[i] == '=' || Space.Contains(entry[i])))
            {
                return i;
            }
        }

        return entry.Length;
    }
}
