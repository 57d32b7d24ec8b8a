using System.Text;
using Mta.EndToEnd.Tests.Postmap;
using Mta.Services.Clients;
using Mta.Services.Maps;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Tables;

/// <summary>One table asked for the same keys here and by Debian's postmap.</summary>
internal static class TableComparison
{
    /// <summary>
    /// Compares the answers, up to the first lookup that fails: there both have to. One run of postmap for all keys, since each start costs
    /// more than the lookups.
    /// </summary>
    public static async Task AnswersAreAsDebiansAsync(string directory, string reference, string[] keys)
    {
        await using var registry = new TableRegistry(new MailLog(new Silence()), TimeProvider.System);
        var table = registry.Open(reference);
        var ours = new StringBuilder();
        var failure = "";
        var answered = 0;
        foreach (var key in keys)
        {
            var answer = await table.FindAsync(key, TestContext.Current.CancellationToken);
            if (answer.IsFailed)
            {
                failure = $"{key}: {answer.Text}";
                break;
            }

            answered++;
            ours.Append(answer.IsFound ? $"{key}\t{answer.Value}\n" : "");
        }

        var theirs = await AskAsync(directory, reference, keys);
        var hasFailed = theirs.Error.Contains("fatal:") || theirs.Error.Contains("error");
        hasFailed.ShouldBe(failure.Length > 0, $"{failure}\n{theirs.Error}");
        if (hasFailed)
        {
            // What it found before the failure went with it.
            theirs = answered == 0 ? (0, "", "") : await AskAsync(directory, reference, keys[..answered]);
        }

        ours.ToString().ShouldBe(theirs.Output, theirs.Error);
    }

    private static Task<(int Exit, string Output, string Error)> AskAsync(string directory, string reference, string[] keys) =>
        PostfixCommand.RunWithInputAsync("postmap", string.Join('\n', keys) + "\n", "-c", directory, "-q", "-", reference);

    private sealed class Silence : ILogSink
    {
        public void Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text)
        {
        }
    }
}
