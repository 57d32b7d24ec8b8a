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

    [Fact]
    public async Task Every_case_ends_as_with_postfix()
    {
        var cases = CheckCase.ReadAll(Path.Combine(AppContext.BaseDirectory, "Access", "Cases"));
        cases.Count.ShouldBeGreaterThan(100);
        (await CheckComparison.DifferencesAsync(cases, MainCf, TestContext.Current.CancellationToken)).ShouldBe("");
    }
}
