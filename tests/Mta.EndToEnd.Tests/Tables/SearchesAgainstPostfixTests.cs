using Mta.EndToEnd.Tests.Rewriting;
using Xunit;

namespace Mta.EndToEnd.Tests.Tables;

/// <summary>
/// Whole searches through running mail systems: which key of an address, a host or a network decides, in which table, and what becomes of
/// mail when a table fails. Replies, deliveries and log lines are those of Debian's Postfix of the same configuration. The cases are in Searches.
/// </summary>
public sealed class SearchesAgainstPostfixTests(RewritingPair pair)
{
    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Tables", "Searches");

    public static TheoryData<string> Cases() =>
        [.. Directory.GetFiles(Folder, "*.txt").Order(StringComparer.Ordinal).Select(f => Path.GetFileNameWithoutExtension(f))];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Searches_as_Postfix_does(string name)
    {
        var cases = RewritingCase.Read(Path.Combine(Folder, name + ".txt"));
        var (ours, theirs) = await pair.RunAsync(cases, TestContext.Current.CancellationToken);
        string[] differences = [.. ours.DifferencesFrom(theirs)];
        if (differences.Length > 0)
        {
            Assert.Fail(string.Join('\n', differences));
        }
    }
}
