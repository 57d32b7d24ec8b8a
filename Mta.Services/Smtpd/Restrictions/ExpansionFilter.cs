using System.Text;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>smtpd_expansion_filter: the characters that a client's words may bring into a text of ours. Others become underscores.</summary>
internal sealed class ExpansionFilter
{
    private readonly bool[] allowed = new bool[128];

    /// <param name="text">The characters, some as escapes of C (<c>\t</c>, <c>\40</c>).</param>
    public ExpansionFilter(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i] == '\\' && i + 1 < text.Length ? Unescape(text, ref i) : text[i];
            if (c < allowed.Length)
            {
                allowed[c] = true;
            }
        }
    }

    /// <summary>The value with an underscore for each byte that is not allowed.</summary>
    public string Apply(string value)
    {
        if (IsAllowed(value))
        {
            return value;
        }

        var result = new StringBuilder(value.Length);
        foreach (var rune in value.EnumerateRunes())
        {
            if (rune.IsAscii && allowed[rune.Value])
            {
                result.Append((char)rune.Value);
            }
            else
            {
                result.Append('_', rune.Utf8SequenceLength);
            }
        }

        return result.ToString();
    }

    private bool IsAllowed(string value)
    {
        foreach (var c in value)
        {
            if (c >= allowed.Length || !allowed[c])
            {
                return false;
            }
        }

        return true;
    }

    private static char Unescape(string text, ref int at)
    {
        var c = text[++at];
        if (c is < '0' or > '7')
        {
            return c switch { 'a' => '\a', 'b' => '\b', 'f' => '\f', 'n' => '\n', 'r' => '\r', 't' => '\t', 'v' => '\v', _ => c };
        }

        var code = c - '0';
        for (var digits = 1; digits < 3 && at + 1 < text.Length && text[at + 1] is >= '0' and <= '7'; digits++)
        {
            code = (code * 8) + (text[++at] - '0');
        }

        return (char)code;
    }
}
