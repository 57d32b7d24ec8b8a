using Mta.EndToEnd.Tests.Harness;

namespace Mta.EndToEnd.Tests.Restrictions;

/// <summary>
/// One case of a file in Cases: a line <c>= smtpd_recipient_restrictions</c>, then settings of its smtpd, and what the client does differently
/// (<c>client:</c> its address, <c>helo:</c>, <c>from:</c>, <c>to:</c>), or all that it says (<c>say:</c>). Lines that begin with <c>dns:</c>
/// are records, whichever case they stand at.
/// </summary>
internal sealed class RestrictionCase
{
    private readonly List<string> said = [];
    private string helo = "good.client.test";
    private string sender = "s@a.test";
    private string recipients = "u@mta.test";

    private RestrictionCase(string name) => Name = name;

    public string Name { get; }

    public string Client { get; private set; } = "127.0.0.2";

    public List<string> Settings { get; } = [];

    public IEnumerable<string> Commands => said.Count > 0
        ? said
        : [$"HELO {helo}", $"MAIL FROM:<{sender}>", .. recipients.Split(", ").Select(r => $"RCPT TO:<{r}>")];

    public static (List<RestrictionCase> Cases, List<string> Records) ReadAll(IEnumerable<string> files)
    {
        var cases = new List<RestrictionCase>();
        var records = new List<string>();
        foreach (var line in files.SelectMany(File.ReadLines))
        {
            if (line.StartsWith("dns: ", StringComparison.Ordinal))
            {
                records.Add(line[5..]);
            }
            else if (line.StartsWith("= ", StringComparison.Ordinal))
            {
                cases.Add(new RestrictionCase(line[2..]));
                cases[^1].Settings.Add("smtpd_recipient_restrictions = " + line[2..]);
            }
            else if (line.Length > 0 && line[0] != '#')
            {
                cases[^1].Take(line);
            }
        }

        return (cases, records);
    }

    /// <summary>The service of this case in master.cf.</summary>
    public string MasterCf(string address, int port) =>
        FormattableString.Invariant($"{address}:{port} inet n - n - - smtpd{string.Concat(Settings.Select(s => $" -o {{ {s} }}"))}\n");

    /// <summary>What the client says, and the replies.</summary>
    public async Task<string> PlayAsync(string address, int port, CancellationToken cancellationToken)
    {
        var lines = new List<string>();
        await using var client = await SmtpDialogue.ConnectFromAsync(Client, address, port, cancellationToken);
        foreach (var command in Commands)
        {
            lines.Add($"C: {command}");
            lines.Add($"S: {await client.SayAsync(command, cancellationToken)}");
        }

        // After 521 the server has hung up.
        if (!lines[^1].StartsWith("S: 521", StringComparison.Ordinal))
        {
            await client.SayAsync("QUIT", cancellationToken);
        }

        return string.Concat(lines.Select(l => l + "\n"));
    }

    private void Take(string line)
    {
        var divider = line.IndexOf(": ", StringComparison.Ordinal);
        var value = divider < 0 ? "" : line[(divider + 2)..];
        switch (divider < 0 ? "" : line[..divider])
        {
            case "client":
                Client = value;
                break;
            case "helo":
                helo = value;
                break;
            case "from":
                sender = value == "<>" ? "" : value;
                break;
            case "to":
                recipients = value;
                break;
            case "say":
                said.Add(value);
                break;
            default:
                Settings.Add(line);
                break;
        }
    }
}
