using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Rewriting;

/// <summary>
/// Messages through us and through Postfix of the same configuration: replies, envelopes and content that the next servers get, deliveries
/// and warnings in the log are the same, byte for byte but for ids and times that are made here. The cases are in Cases.
/// </summary>
public sealed class RewritingAgainstPostfixTests(RewritingPair pair)
{
    public static TheoryData<string> Cases() =>
        [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "cases"), "*.txt").Order(StringComparer.Ordinal).Select(f => Path.GetFileNameWithoutExtension(f))];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Rewrites_as_Postfix_does(string name)
    {
        var cases = RewritingCase.Read(Path.Combine(AppContext.BaseDirectory, "cases", name + ".txt"));
        var (ours, theirs) = await pair.RunAsync(cases, TestContext.Current.CancellationToken);
        theirs.Replies.Count.ShouldBeGreaterThanOrEqualTo(cases.Messages.Count);
        string[] differences = [.. ours.DifferencesFrom(theirs)];
        if (differences.Length > 0)
        {
            Assert.Fail(string.Join('\n', differences));
        }
    }
}
