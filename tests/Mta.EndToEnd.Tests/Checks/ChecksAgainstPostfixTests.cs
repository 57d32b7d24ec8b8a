using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Checks;

/// <summary>
/// Header and body checks, and strict MIME: each case of Cases has a cleanup service and an SMTP server of its own, in ours and in Debian's
/// Postfix. Replies, log lines, deliveries and delivered mail are the same.
/// </summary>
public sealed class ChecksAgainstPostfixTests
{
    private const string MainCf =
        """
        message_size_limit = 40000000
        smtpd_client_connection_count_limit = 0
        always_add_missing_headers = no
        """;

    [Fact]
    public async Task Every_case_ends_as_with_postfix()
    {
        var cases = CheckCase.ReadAll(Path.Combine(AppContext.BaseDirectory, "Checks", "Cases"));
        cases.Count.ShouldBeGreaterThan(10);
        var differences = await CheckComparison.DifferencesAsync(cases, MainCf, TestContext.Current.CancellationToken);
        Assert.True(differences.Length == 0, differences);
    }
}
