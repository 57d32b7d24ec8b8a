using Mta.EndToEnd.Tests.Checks;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Access;

/// <summary>
/// access(5) whole: each action in each list of restrictions, classes, deferrals, warnings and permits. Replies, log lines, deliveries and
/// delivered mail are the same as with Debian's Postfix.
/// </summary>
public sealed class AccessAgainstPostfixTests
{
    private const string MainCf =
        """
        message_size_limit = 40000000
        smtpd_client_connection_count_limit = 0
        always_add_missing_headers = no
        notify_classes =
        """;

    // Some at a time: each case is a service, and both systems have to start them all.
    [Theory]
    [InlineData("client", "helo", "relay", "etrn")]
    [InlineData("sender", "data", "end-of-data", "not-delayed")]
    [InlineData("recipient", "messages")]
    [InlineData("lists")]
    public async Task Every_case_ends_as_with_postfix(params string[] themes)
    {
        var cases = CheckCase.ReadAll(Path.Combine(AppContext.BaseDirectory, "Access", "Cases"));
        cases.RemoveAll(c => !themes.Any(t => c.Name.StartsWith($"{t}: ", StringComparison.Ordinal)));
        cases.Count.ShouldBeGreaterThan(100);
        var differences = await CheckComparison.DifferencesAsync(cases, MainCf, TestContext.Current.CancellationToken);
        Assert.True(differences.Length == 0, differences);
    }
}
