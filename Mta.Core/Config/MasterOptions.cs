namespace Mta.Core.Config;

/// <summary>The options of a command of master.cf, up to its first argument that is none.</summary>
public static class MasterOptions
{
    private static readonly System.Buffers.SearchValues<char> WhiteSpace = System.Buffers.SearchValues.Create(" \t\r\n");

    /// <summary>
    /// The fields with the settings of <c>-o</c> apart: <c>-ofoo=x</c>, <c>-vofoo=x</c> and <c>-o{ foo = x }</c> become the words <c>-v</c>,
    /// <c>-o</c> and <c>foo=x</c>. Settings lose their braces where they need none.
    /// </summary>
    /// <param name="first">The first field that may be an option.</param>
    /// <param name="problem">Hears of settings that make no sense; they stay as they are.</param>
    public static List<string> Normalize(IReadOnlyList<string> fields, int first, Action<string> problem)
    {
        var words = new List<string>(fields.Count);
        var at = 0;
        for (; at < Math.Min(first, fields.Count); at++)
        {
            words.Add(fields[at]);
        }

        for (; at < fields.Count && fields[at] is ['-', _, ..] and not "--"; at++)
        {
            var o = fields[at].IndexOf('o', StringComparison.Ordinal);
            if (o < 0)
            {
                words.Add(fields[at]);
                continue;
            }

            if (o > 1)
            {
                words.Add(fields[at][..o]);
            }

            words.Add("-o");
            var setting = fields[at][(o + 1)..];
            if (setting.Length > 0 || ++at < fields.Count)
            {
                words.Add(Tidy(setting.Length > 0 ? setting : fields[at], problem));
            }
        }

        for (; at < fields.Count; at++)
        {
            words.Add(fields[at]);
        }

        return words;
    }

    /// <summary>The setting as it is written in master.cf: in braces when it has white space.</summary>
    public static string Format(string name, string value)
    {
        var setting = $"{name}={value}";
        return setting.AsSpan().ContainsAny(WhiteSpace) ? $"{{{setting}}}" : setting;
    }

    private static string Tidy(string setting, Action<string> problem)
    {
        if (setting[0] != '{')
        {
            return setting;
        }

        var text = BracedText.Read(setting, out var braces);
        if (braces is not null)
        {
            problem(braces);
        }

        if (MainCf.TrySplit(text, out var name, out var value, out var error))
        {
            return Format(name, value);
        }

        problem($"{error}: \"{text}\"");
        return text.AsSpan().ContainsAny(WhiteSpace) ? $"{{{text}}}" : text;
    }
}
