namespace Mta.Services.Smtpd.Restrictions;

/// <summary>The words of a restriction list.</summary>
internal static class RestrictionWords
{
    public static bool IsTable(string word) => word.Contains(':', StringComparison.Ordinal);

    /// <summary>Commas and white space divide, except inside braces: <c>inline:{ a=b, c=d }</c>.</summary>
    public static List<string> Split(string text)
    {
        var words = new List<string>();
        var start = -1;
        var depth = 0;
        for (var at = 0; at <= text.Length; at++)
        {
            var c = at < text.Length ? text[at] : ' ';
            depth += c == '{' ? 1 : c == '}' ? -1 : 0;
            var divides = (c == ',' || char.IsWhiteSpace(c)) && (depth <= 0 || at == text.Length);
            if (divides && start >= 0)
            {
                words.Add(text[start..at]);
                start = -1;
            }
            else if (!divides && start < 0)
            {
                start = at;
            }
        }

        return words;
    }
}
