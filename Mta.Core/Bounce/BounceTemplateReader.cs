using System.Text;
using Mta.Core.Config;

namespace Mta.Core.Bounce;

/// <summary>Reads the headers and the text of one template of a file.</summary>
internal static class BounceTemplateReader
{
    /// <summary>Null when the template cannot be used; then <paramref name="problem"/> has the lines to warn with.</summary>
    /// <param name="builtIn">Gives what the template does not have, and the name of its file.</param>
    public static BounceTemplate? Read(BounceTemplate builtIn, List<string> lines, out string problem)
    {
        var template = builtIn;
        problem = "";
        var at = 0;
        for (; at < lines.Count && TryHeader(lines[at], out var label, out var value); at++)
        {
            var wrong = value.Length == 0 ? $"empty \"{label}\" header value"
                : !Ascii.IsValid(value) ? $"non-ASCII \"{label}\" header value"
                : null;
            switch (label.ToLowerInvariant())
            {
                case "charset":
                    template = template with { Charset = value };
                    break;
                case "from":
                    template = template with { From = value };
                    break;
                case "subject":
                    template = template with { Subject = value };
                    break;
                case "postmaster-subject" when builtIn.PostmasterSubject is not null:
                    template = template with { PostmasterSubject = value };
                    break;
                case "postmaster-subject":
                    wrong = $"inapplicable \"{label}\" header label";
                    break;
                default:
                    wrong = $"unknown \"{label}\" header label";
                    break;
            }

            if (wrong is not null)
            {
                problem = $"{builtIn.File}: {wrong} in {builtIn.Kind} template -- ignoring this template";
                return null;
            }
        }

        while (at < lines.Count && lines[at].AsSpan().Trim(Space.Characters).IsEmpty)
        {
            at++;
        }

        if (at == lines.Count)
        {
            problem = $"{builtIn.File}: missing message text in {builtIn.Kind} template -- ignoring this template";
            return null;
        }

        var text = lines.GetRange(at, lines.Count - at);
        if (template.Charset.Equals("us-ascii", StringComparison.OrdinalIgnoreCase) && text.Exists(l => !Ascii.IsValid(l)))
        {
            problem = $"{builtIn.File}: 8-bit message text in {builtIn.Kind} template\nplease specify a charset value other than us-ascii\n-- ignoring this template for now";
            return null;
        }

        return template with { Text = text };
    }

    /// <summary>Whether the line is a header: a word of printable characters (RFC 5322 section 2.2), and a colon after it.</summary>
    private static bool TryHeader(string line, out string label, out string value)
    {
        var length = 0;
        while (length < line.Length && line[length] is > ' ' and < '\x7f' and not ':')
        {
            length++;
        }

        var colon = length;
        while (colon < line.Length && line[colon] is ' ' or '\t')
        {
            colon++;
        }

        label = line[..length];
        value = "";
        if (length == 0 || colon == line.Length || line[colon] != ':')
        {
            return false;
        }

        value = line.AsSpan(colon + 1).Trim(Space.Characters).ToString();
        return true;
    }
}
