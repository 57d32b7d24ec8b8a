using System.Globalization;
using System.Text;

namespace Mta.Core.Lookup.Queries;

/// <summary>How what comes from the key is made harmless in the text around it.</summary>
public enum KeyQuoting
{
    /// <summary>As it is.</summary>
    None,

    /// <summary>Within the quotes of an SQL text.</summary>
    Sql,

    /// <summary>A value in an LDAP filter (RFC 4515, section 3).</summary>
    LdapFilter,

    /// <summary>A value in a distinguished name (RFC 4514, section 2.4).</summary>
    LdapName,
}

/// <summary>
/// A text with <c>%s</c>, <c>%u</c>, <c>%d</c>, <c>%1</c> and the like, as the tables that are asked by a query have them: pgsql_table(5),
/// sqlite_table(5), ldap_table(5), memcache_table(5).
/// </summary>
public static class KeyTemplate
{
    /// <summary>The query for a key; null when the key lacks a part that the query names.</summary>
    public static string? Query(string template, string key, KeyQuoting quoting) => Expand(template, key, key, quoting);

    /// <summary>One value of a result in its format; null when the value is empty or lacks a part that the format names.</summary>
    public static string? Result(string template, string value, string key) =>
        value.Length == 0 ? null : Expand(template, value, key, KeyQuoting.None);

    private static string? Expand(string template, string value, string key, KeyQuoting quoting)
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
                Append(text, part, quoting);
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

    private static void Append(StringBuilder text, ReadOnlySpan<char> part, KeyQuoting quoting)
    {
        for (var i = 0; i < part.Length; i++)
        {
            var c = part[i];
            switch (quoting)
            {
                // A backslash is only text, since connections have standard_conforming_strings on.
                case KeyQuoting.Sql when c == '\'':
                    text.Append("''");
                    break;
                case KeyQuoting.LdapFilter when c is '*' or '(' or ')' or '\\' or '\0':
                    text.Append(CultureInfo.InvariantCulture, $"\\{(int)c:x2}");
                    break;
                case KeyQuoting.LdapName when c is '"' or '+' or ',' or ';' or '<' or '>' or '\\' || (c is ' ' && (i == 0 || i == part.Length - 1)) || (c is '#' && i == 0):
                    text.Append('\\').Append(c);
                    break;
                default:
                    text.Append(c);
                    break;
            }
        }
    }
}
