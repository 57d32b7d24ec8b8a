using Mta.Services.Clients;
using Mta.Services.Maps;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Tables;

/// <summary>ldap: tables over Debian's slapd, asked here and by Debian's postmap.</summary>
public sealed class LdapTableTests : IClassFixture<LdapServer>, IDisposable
{
    private readonly LdapServer server;
    private readonly string directory = Directory.CreateTempSubdirectory("mta-ldap-").FullName;

    public LdapTableTests(LdapServer server)
    {
        this.server = server;
        File.WriteAllText(Path.Combine(directory, "main.cf"), "compatibility_level = 3.6\n");
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Theory]
    [InlineData("query_filter = mail=%s\nresult_attribute = uid")]
    [InlineData("query_filter = (&(objectClass=*)(mail=%u@%d))\nresult_attribute = mail\nresult_format = <%s>")]
    [InlineData("query_filter = mail=%s\nresult_attribute = mail\nresult_format = %u at %d of %S in %D by %U")]
    [InlineData("query_filter = mail=%s\nresult_attribute = mail\nexpansion_limit = 1")]
    [InlineData("query_filter = mail=*\nresult_attribute = uid\nsize_limit = 2")]
    [InlineData("query_filter = cn=%s\nresult_attribute = uid")]
    [InlineData("query_filter = mail=%s\nresult_attribute = uid\ndomain = sub.example.com")]
    [InlineData("query_filter = mail=%s\nresult_attribute = mail\nspecial_result_attribute = member")]
    [InlineData("query_filter = mail=%s\nresult_attribute =\nleaf_result_attribute = mail\nspecial_result_attribute = member, memberURL")]
    [InlineData("query_filter = mail=%s\nresult_attribute = mail\nterminal_result_attribute = departmentNumber\nspecial_result_attribute = member")]
    [InlineData("query_filter = mail=%s\nresult_attribute = mail\nspecial_result_attribute = member\nrecursion_limit = 5")]
    [InlineData("query_filter = mail=%s\nresult_attribute = uid\nscope = one")]
    [InlineData("query_filter = objectClass=*\nresult_attribute = uid\nscope = base\nsearch_base = uid=%u,dc=example,dc=com")]
    [InlineData("query_filter = mail=%s\nresult_attribute = description\nspecial_result_attribute = memberURL\nresult_filter = [%s]")]
    [InlineData("query_filter = (((broken=%s\nresult_attribute = uid")]
    [InlineData("query_filter = mail=%s\nresult_attribute = uid\nsearch_base = dc=elsewhere")]
    public async Task Searches_answer_as_Debians(string config)
    {
        var file = Path.Combine(directory, "table.cf");
        await File.WriteAllTextAsync(file, $"{server.Parameters}bind = yes\nbind_dn = cn=admin,dc=example,dc=com\nbind_pw = secret\n{config}\n", Stop);
        await TableComparison.AnswersAreAsDebiansAsync(
            directory, "ldap:" + file, ["Anna@Example.com", "bo@sub.example.com", @"bo (the second) * \ ,", "group@example.com", "urls@example.com", "loop@example.com", "anna", "*", "@example.com", "none@x"]);
    }

    [Fact]
    public async Task A_wrong_password_and_a_server_that_is_away_fail_the_lookup_and_it_comes_back()
    {
        const string query = "query_filter = mail=%s\nresult_attribute = uid\nbind_dn = cn=admin,dc=example,dc=com\n";
        var file = Path.Combine(directory, "table.cf");
        await File.WriteAllTextAsync(file, $"{server.Parameters}{query}bind_pw = wrong\n", Stop);
        var log = new WarningsOnly();
        await using var registry = new TableRegistry(new MailLog(log), TimeProvider.System);
        (await registry.Open("ldap:" + file).FindAsync("anna@example.com", Stop)).IsFailed.ShouldBeTrue();
        log.Text.ShouldContain("bind as cn=admin,dc=example,dc=com: Invalid credentials");
        log.Text.ShouldNotContain("wrong");

        await File.WriteAllTextAsync(file + "2", $"server_host = ldap://127.0.0.1:1 {server.Url}\nsearch_base = dc=example,dc=com\n{query}bind_pw = secret\n", Stop);
        (await registry.Open($"ldap:{file}2").FindAsync("anna@example.com", Stop)).Value.ShouldBe("anna");
        await File.WriteAllTextAsync(file + "3", $"bind = sasl\nsearch_base = x\n", Stop);
        (await registry.Open($"ldap:{file}3").FindAsync("anna@example.com", Stop)).IsFailed.ShouldBeTrue();
        log.Text.ShouldContain("bind = sasl is not supported");
    }

    private sealed class WarningsOnly : ILogSink
    {
        public string Text { get; private set; } = "";

        public void Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text) => Text += System.Text.Encoding.UTF8.GetString(text) + "\n";
    }

    private sealed class Silence : ILogSink
    {
        public void Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text)
        {
        }
    }
}
