using System.Text;
using System.Text.RegularExpressions;

namespace Mta.EndToEnd.Tests.Tables;

/// <summary>
/// A table of a file in Cases, with keys and what they give. <c>[table TYPE: remark]</c> begins one with its text (TYPE <c>aliases</c> is a
/// table that postalias makes), <c>[reference TYPE:NAME]</c> one that has no file. <c>[keys]</c> are lines <c>key => value</c>, where
/// <c>not found</c> and <c>error</c> stand for themselves and <c>\n</c>, <c>\t</c> and <c>\\</c> in keys for one character. <c>[warnings]</c>
/// are what is said of the table, with TABLE for its path. What comes before the first of them are remarks.
/// </summary>
internal sealed partial class TableCase
{
    public const string Absent = "not found";
    public const string Failing = "error";

    private TableCase(string type, string reference) => (Type, Reference) = (type, reference);

    /// <summary>Of a table with a file.</summary>
    public string Type { get; }

    /// <summary>Of a table without one; empty for the others.</summary>
    public string Reference { get; }

    public bool IsAliases => Type == "aliases";

    /// <summary>One that is made by postmap or postalias.</summary>
    public bool IsIndexed => Type is "hash" or "btree" or "aliases";

    public string Text { get; private set; } = "";

    public List<(string Key, string Result)> Keys { get; } = [];

    public string Warnings { get; private set; } = "";

    public static List<TableCase> ReadAll(string path)
    {
        var cases = new List<TableCase>();
        var part = "";
        var text = new StringBuilder();
        foreach (var line in File.ReadLines(path).Append("[end]"))
        {
            if (Heading().Match(line) is not { Success: true } heading)
            {
                text.Append(line).Append('\n');
                continue;
            }

            if (cases.Count > 0)
            {
                cases[^1].Fill(part, text.ToString());
            }

            text.Clear();
            part = heading.Groups[1].Value;
            if (part is "table" or "reference")
            {
                var argument = heading.Groups[2].Value;
                cases.Add(part == "table" ? new TableCase(argument.Split(':')[0], "") : new TableCase("", argument));
            }
        }

        return cases;
    }

    private void Fill(string part, string text)
    {
        switch (part)
        {
            case "table":
                Text = text.TrimEnd('\n') + "\n";
                break;
            case "keys":
                foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                {
                    var arrow = line.LastIndexOf(" => ", StringComparison.Ordinal);
                    Keys.Add((Escapes().Replace(line[..arrow], m => m.Value switch { "\\n" => "\n", "\\t" => "\t", _ => "\\" }), line[(arrow + 4)..]));
                }

                break;
            case "warnings":
                Warnings = text.TrimEnd('\n') + "\n";
                break;
        }
    }

    [GeneratedRegex(@"^\[(table|reference|keys|warnings|end)(?: (.*))?\]$")]
    private static partial Regex Heading();

    [GeneratedRegex(@"\\[nt\\]")]
    private static partial Regex Escapes();
}
