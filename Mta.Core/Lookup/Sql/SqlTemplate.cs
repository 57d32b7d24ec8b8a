using System.Text;

namespace Mta.Core.Lookup.Sql;

/// <summary>A text with <c>%s</c>, <c>%u</c>, <c>%d</c>, <c>%1</c> and the like, as pgsql_table(5) has in query and result_format.</summary>
public static class SqlTemplate
{
    /// <summary>The query for a key, with what comes from the key quoted for SQL text; null when the key lacks a part that the query names.</summary>
    public static string? Query(string template, string key) => Expand(template, key, key, quote: true);

    /// <summary>One value of a result in its format; null when the value is empty or lacks a part that the format names.</summary>
    public static string? Result(string template, string value, string key) =>
        value.Length == 0 ? null : Expand(template, value, key, quote: false);

    private static string? Expand(string template, string value, string key, bool quote)
    {
        var text = new StringBuilder(template.Length + value.Length);
        for (var i = 0; i < template.Length; i++)
        {
            if (template[i] != '%' || i + 1 == template.Length)
            {
                text.Append(template[i]);
                continue;
            }

            var code = template[++i];
            if (code == '%')
            {
                text.Append('%');
            }
            else if (!TryPart(code, char.IsLower(code) ? value : key, out var part))
            {
                return null;
            }
            else
            {
                Append(text, part, quote);
            }
        }

        return text.ToString();
    }

    private static bool TryPart(char code, string of, out ReadOnlySpan<char> part)
    {
        var at = of.LastIndexOf('@');
        part = [];
        switch (char.ToLowerInvariant(code))
        {
            case 's':
                part = of;
                return true;
            case 'u':
                part = at < 0 ? of : of.AsSpan(0, at);
                return !part.IsEmpty;
            case 'd':
                part = at < 0 ? [] : of.AsSpan(at + 1);
                return at >= 0;
            case >= '1' and <= '9':
                return at >= 0 && TryLabel(of.AsSpan(at + 1), code - '0', out part);
            default:
                // Not an expansion: Postfix leaves it out with a warning when the table is opened.
                return true;
        }
    }

    /// <summary>A label of the domain, counted from its end.</summary>
    private static bool TryLabel(ReadOnlySpan<char> domain, int number, out ReadOnlySpan<char> label)
    {
        var rest = domain.Trim('.');
        while (true)
        {
            var dot = rest.LastIndexOf('.');
            label = rest[(dot + 1)..];
            if (--number == 0)
            {
                return !label.IsEmpty;
            }

            if (dot < 0)
            {
                return false;
            }

            rest = rest[..dot].TrimEnd('.');
        }
    }

    /// <summary>A quote is doubled; a backslash is only text, since connections have standard_conforming_strings on.</summary>
    private static void Append(StringBuilder text, ReadOnlySpan<char> part, bool quote)
    {
        foreach (var c in part)
        {
            text.Append(c);
            if (quote && c == '\'')
            {
                text.Append(c);
            }
        }
    }
}
