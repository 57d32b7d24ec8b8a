using System.Text;
using System.Text.RegularExpressions;

namespace Mta.Services.Tests.Smtpd;

/// <summary>
/// A session as a script. Before the first <c>---</c> main.cf lines, <c>client = address</c> with a name or <c>unknown</c> and the name
/// of PTR after it, and records of the DNS (<c>dns = x.test A 192.0.2.1</c>); then <c>C:</c> what the client sends,
/// consecutive lines at once; <c>S:</c> the reply lines that come after it; at the end, after another <c>---</c>, the log. In replies and
/// log a <c>*</c> stands for anything. <c>\xNN</c>, <c>\n</c> and <c>\r</c> are bytes; a C line that ends with <c>\c</c> has no line end.
/// </summary>
internal sealed partial class Transcript
{
    private Transcript(string name, string mainCf, string client, List<string> dns, List<Step> steps, List<string> log)
    {
        Dns = dns;
        Name = name;
        MainCf = mainCf;
        Client = client;
        Steps = steps;
        Log = log;
    }

    public string Name { get; }

    public string MainCf { get; }

    public string Client { get; }

    public List<string> Dns { get; }

    /// <summary>The greeting first, with nothing sent.</summary>
    public List<Step> Steps { get; }

    /// <summary>Patterns of the whole log; empty when it does not matter.</summary>
    public List<string> Log { get; }

    /// <summary>True unless the script is about how the bytes are divided into packets.</summary>
    public bool MayBeCutAnywhere => !MainCf.Contains("# packets", StringComparison.Ordinal);

    public byte[] AllSent => [.. Steps.SelectMany(s => s.Sent)];

    public static Transcript Parse(string name, string text)
    {
        var config = new StringBuilder();
        var client = "203.0.113.5";
        var dns = new List<string>();
        var steps = new List<Step> { new([], []) };
        var log = new List<string>();
        var part = 0;
        foreach (var line in text.Split('\n'))
        {
            if (line == "---")
            {
                part++;
            }
            else if (part == 0 && line.StartsWith("client = ", StringComparison.Ordinal))
            {
                client = line["client = ".Length..];
            }
            else if (part == 0 && line.StartsWith("dns = ", StringComparison.Ordinal))
            {
                dns.Add(line["dns = ".Length..]);
            }
            else if (part == 0)
            {
                config.Append(line).Append('\n');
            }
            else if (part == 2)
            {
                log.AddRange(line.Length > 0 ? [line] : Array.Empty<string>());
            }
            else if (line.StartsWith("C:", StringComparison.Ordinal))
            {
                if (steps[^1].Replies.Count > 0 || steps.Count == 1)
                {
                    steps.Add(new Step([], []));
                }

                steps[^1].Sent.AddRange(Bytes(line.Length > 3 ? line[3..] : ""));
            }
            else if (line.StartsWith("S:", StringComparison.Ordinal))
            {
                steps[^1].Replies.Add(line[3..]);
            }
        }

        return new Transcript(name, config.ToString(), client, dns, steps, log);
    }

    public static bool Matches(string pattern, string text) =>
        Regex.IsMatch(text, "^" + Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal) + "$", RegexOptions.Singleline);

    private static byte[] Bytes(string line)
    {
        var open = line.EndsWith("\\c", StringComparison.Ordinal);
        var bytes = new List<byte>();
        var text = open ? line[..^2] : line + "\r\n";
        for (var at = 0; at < text.Length;)
        {
            var escape = Escape().Match(text, at);
            if (escape.Success && escape.Index == at)
            {
                bytes.Add(escape.Value switch
                {
                    "\\n" => (byte)'\n',
                    "\\r" => (byte)'\r',
                    var hex => Convert.ToByte(hex[2..], 16),
                });
                at += escape.Length;
            }
            else
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(text, at, 1));
                at++;
            }
        }

        return [.. bytes];
    }

    [GeneratedRegex(@"\\n|\\r|\\x[0-9a-f]{2}")]
    private static partial Regex Escape();

    internal sealed record Step(List<byte> Sent, List<string> Replies);
}
