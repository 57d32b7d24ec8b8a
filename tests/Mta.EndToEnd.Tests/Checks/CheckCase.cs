using System.Text;
using Mta.EndToEnd.Tests.Harness;

namespace Mta.EndToEnd.Tests.Checks;

/// <summary>
/// One case of a file in Cases: <c>=== name</c>, then settings of its cleanup service (or of its smtpd, after <c>smtpd:</c>), what the client
/// says differently (<c>from:</c>, <c>to:</c>; or all of it, a line each after <c>say:</c>), <c>---</c>, and the message; without one it is that at the begin of the file. In it <c>{case}</c> is the case's own mailbox, and a line
/// <c>@repeat N x</c> stands for N times x.
/// </summary>
internal sealed class CheckCase
{
    private const string Divider = "\n---\n";

    private CheckCase(string name, string mailbox)
    {
        Name = name;
        Mailbox = mailbox;
    }

    public string Name { get; }

    /// <summary>The local part of the case's recipients, or its begin.</summary>
    public string Mailbox { get; }

    public List<string> CleanupSettings { get; } = [];

    public List<string> SmtpdSettings { get; } = [];

    public string Sender { get; private set; } = "s@sender.test";

    public string[] Recipients { get; private set; } = [];

    /// <summary>All that the client says; after DATA the message follows, and BDAT has it in one piece. Empty for a plain message.</summary>
    public List<string> Script { get; } = [];

    public string Message { get; private set; } = "";

    public static List<CheckCase> ReadAll(string directory)
    {
        var cases = new List<CheckCase>();
        foreach (var file in Directory.GetFiles(directory, "*.txt").Order())
        {
            var blocks = ("\n" + File.ReadAllText(file, Encoding.Latin1)).Split("\n=== ");
            foreach (var block in blocks.Skip(1))
            {
                var whole = block.Contains(Divider, StringComparison.Ordinal) ? block : block.TrimEnd('\n') + blocks[0];
                cases.Add(Read(Path.GetFileNameWithoutExtension(file), whole, cases.Count));
            }
        }

        return cases;
    }

    /// <summary>The services of this case in master.cf.</summary>
    public string MasterCf(string address, int port) =>
        $"{address}:{port} inet n - n - - smtpd -o cleanup_service_name={Mailbox}{Options(SmtpdSettings)}\n"
        + $"{Mailbox} unix n - n - 0 cleanup{Options(CleanupSettings)}\n";

    private static string Options(List<string> settings) => string.Concat(settings.Select(s => $" -o {{ {s} }}"));

    private static CheckCase Read(string theme, string block, int number)
    {
        var divider = block.IndexOf(Divider, StringComparison.Ordinal);
        var head = block[..divider].Split('\n');
        var result = new CheckCase($"{theme}: {head[0]}", $"case{number}");
        foreach (var line in head.Skip(1).Select(result.Fill))
        {
            if (line.StartsWith("smtpd: ", StringComparison.Ordinal))
            {
                result.SmtpdSettings.Add(line[7..]);
            }
            else if (line.StartsWith("from: ", StringComparison.Ordinal))
            {
                result.Sender = line[6..];
            }
            else if (line.StartsWith("to: ", StringComparison.Ordinal))
            {
                result.Recipients = line[4..].Split(' ');
            }
            else if (line.StartsWith("say: ", StringComparison.Ordinal))
            {
                result.Script.Add(line[5..]);
            }
            else if (line.Length > 0)
            {
                result.CleanupSettings.Add(line);
            }
        }

        result.Recipients = result.Recipients.Length > 0 ? result.Recipients : [$"{result.Mailbox}@{MtaInstance.VirtualDomain}"];
        result.Message = string.Concat(block[(divider + Divider.Length)..].TrimEnd('\n').Split('\n').Select(l => Repeated(result.Fill(l)) + "\n"));
        return result;
    }

    private string Fill(string line) => line.Replace("{case}", Mailbox, StringComparison.Ordinal);

    private static string Repeated(string line)
    {
        if (!line.StartsWith("@repeat ", StringComparison.Ordinal))
        {
            return line;
        }

        var words = line.Split(' ', 3);
        return string.Concat(Enumerable.Repeat(words[2], int.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture)));
    }
}
