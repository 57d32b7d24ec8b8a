using System.Text;

namespace Mta.EndToEnd.Tests.Rewriting;

/// <summary>A message of a case: envelope and content, which ends in a line that names it.</summary>
internal sealed record CaseMessage(string Name, string Sender, string[] Recipients, string Content);

/// <summary>
/// A file of cases: settings, tables and messages. <c>[main.cf]</c>, <c>[NAME]</c> for a file NAME in the configuration directory, and
/// <c>[message SENDER -> RECIPIENT, RECIPIENT]</c> head its parts, and <c>[session]</c> commands of SMTP whose replies count; lines before the first of them are remarks. Addresses are as SMTP has them.
/// </summary>
internal sealed class RewritingCase
{
    private const string Message = "message ";

    private RewritingCase(string name) => Name = name;

    public string Name { get; }

    public string MainCf { get; private set; } = "";

    public Dictionary<string, string> Files { get; } = [];

    public List<CaseMessage> Messages { get; } = [];

    public List<string[]> Sessions { get; } = [];

    public static RewritingCase Read(string path)
    {
        var read = new RewritingCase(Path.GetFileNameWithoutExtension(path));
        string? part = null;
        var text = new StringBuilder();
        foreach (var line in File.ReadLines(path, Encoding.Latin1))
        {
            if (line is ['[', .. var heading, ']'] && (heading.StartsWith(Message, StringComparison.Ordinal) || !heading.Contains(' ', StringComparison.Ordinal)))
            {
                read.Add(part, text.ToString());
                (part, _) = (heading, text.Clear());
            }
            else
            {
                text.Append(line).Append('\n');
            }
        }

        read.Add(part, text.ToString());
        return read;
    }

    private void Add(string? part, string text)
    {
        if (part == "main.cf")
        {
            MainCf = text;
        }
        else if (part?.StartsWith(Message, StringComparison.Ordinal) == true)
        {
            var (sender, recipients) = part[Message.Length..].Split("->") is [var from, var to] ? (from.Trim(), to) : throw new FormatException(part);
            var name = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Name}-{Messages.Count + 1}");
            var content = text.TrimEnd('\n');
            Messages.Add(new CaseMessage(name, sender, recipients.Split(", ", StringSplitOptions.TrimEntries), $"{content}{(content.Contains("\n\n", StringComparison.Ordinal) ? "" : "\n")}\ncase {name}.\n"));
        }
        else if (part == "session")
        {
            Sessions.Add(text.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
        else if (part is not null)
        {
            Files[part] = text;
        }
    }
}
