using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>The grand totals that Debian's pflogsumm(1) makes of a log.</summary>
internal sealed partial record LogSummary(int Received, int Delivered, int Deferred, int Deferrals, int Bounced, int Rejected)
{
    public static async Task<LogSummary> OfAsync(string logFile, CancellationToken cancellationToken)
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/pflogsumm"), "pflogsumm is not installed: apt-get install pflogsumm");
        var text = (await CommandResult.RunAsync("/usr/sbin/pflogsumm", [logFile], null, null, cancellationToken)).Succeeded();
        return new LogSummary(
            Count(text, "received"), Count(text, "delivered"), Count(text, "deferred"), Deferral().Match(text) is { Success: true } m ? Number(m) : 0,
            Count(text, "bounced"), Count(text, "rejected"));
    }

    /// <summary>Its details of rejects, added up for each kind: <c>RCPT</c>, <c>MAIL</c>, and <c>cleanup</c> for contents.</summary>
    public static async Task<SortedDictionary<string, int>> RejectsAsync(string logFile, CancellationToken cancellationToken)
    {
        var text = (await CommandResult.RunAsync("/usr/sbin/pflogsumm", [logFile], null, null, cancellationToken)).Succeeded();
        var rejects = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var kind = "";
        foreach (var line in text[text.IndexOf("\nmessage reject detail\n", StringComparison.Ordinal)..].Split('\n').Skip(3).TakeWhile(l => l.Length > 0))
        {
            if (line is [' ', ' ', not ' ', ..])
            {
                kind = line.Trim();
            }
            else if (Subtotal().Match(line) is { Success: true } match)
            {
                rejects[kind] = rejects.GetValueOrDefault(kind) + Number(match);
            }
        }

        return rejects;
    }

    // The lines of the grand totals: a number, spaces, the word.
    private static int Count(string text, string word) =>
        Total().Matches(text).FirstOrDefault(m => m.Groups[2].Value == word) is { } found
            ? Number(found)
            : throw new InvalidOperationException($"pflogsumm counts nothing {word}: {text}");

    private static int Number(Match match) => int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^ +(\d+) +(\w+)", RegexOptions.Multiline)]
    private static partial Regex Total();

    [GeneratedRegex(@"^    \S.* \(total: (\d+)\)$")]
    private static partial Regex Subtotal();

    [GeneratedRegex(@"\((\d+) +deferrals\)")]
    private static partial Regex Deferral();
}
