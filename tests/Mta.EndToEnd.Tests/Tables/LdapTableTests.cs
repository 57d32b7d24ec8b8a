using System.Diagnostics;
using System.Globalization;
using Mta.EndToEnd.Tests.Harness;
using Mta.EndToEnd.Tests.Postmap;
using Mta.Services.Clients;
using Mta.Services.Maps;
using Mta.Testing;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Tables;

/// <summary>ldap: tables over Debian's slapd, asked here and by Debian's postmap.</summary>
public sealed class LdapTableTests : IAsyncLifetime
{
    private const string Entries =
        """
        dn: dc=example,dc=com
        objectClass: organization
        objectClass: dcObject
        o: example
        dc: example

        dn: uid=anna,dc=example,dc=com
        objectClass: inetOrgPerson
        uid: anna
        cn: Anna
        sn: Anna
        mail: anna@example.com
        mail: anna.second@example.com
        description: person

        dn: uid=bo,dc=example,dc=com
        objectClass: inetOrgPerson
        uid: bo
        cn: Bo (the second) * \ ,
        sn: Bo
        mail: bo@sub.example.com
        departmentNumber: terminal@example.com

        dn: cn=group,dc=example,dc=com
        objectClass: groupOfNames
        objectClass: extensibleObject
        cn: group
        mail: group@example.com
        description: group itself
        member: uid=anna,dc=example,dc=com
        member: uid=bo,dc=example,dc=com
        member: uid=nobody,dc=example,dc=com

        dn: cn=urls,dc=example,dc=com
        objectClass: groupOfURLs
        objectClass: extensibleObject
        cn: urls
        mail: urls@example.com
        memberURL: ldap:///dc=example,dc=com?mail?sub?(uid=anna)

        dn: cn=loop,dc=example,dc=com
        objectClass: groupOfNames
        objectClass: extensibleObject
        cn: loop
        mail: loop@example.com
        member: cn=loop,dc=example,dc=com

        """;

    private readonly string directory = Programs.NewDirectory("ldap");
    private readonly int port = Ports.Free();
    private Process server = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string Server => string.Create(CultureInfo.InvariantCulture, $"server_host = ldap://127.0.0.1:{port}\nsearch_base = dc=example,dc=com\ntimeout = 5\n");

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllTextAsync(Path.Combine(directory, "main.cf"), "compatibility_level = 3.6\n", Stop);
        var database = Directory.CreateDirectory(Path.Combine(directory, "db")).FullName;
        var configuration = Path.Combine(directory, "slapd.conf");
        await File.WriteAllTextAsync(
            configuration,
            $"""
            include /etc/ldap/schema/core.schema
            include /etc/ldap/schema/cosine.schema
            include /etc/ldap/schema/inetorgperson.schema
            include /etc/ldap/schema/dyngroup.schema
            modulepath /usr/lib/ldap
            moduleload back_mdb
            pidfile {directory}/pid
            database mdb
            suffix "dc=example,dc=com"
            rootdn "cn=admin,dc=example,dc=com"
            rootpw secret
            directory {database}
            access to * by dn.exact="cn=admin,dc=example,dc=com" write by anonymous auth by * none
            """,
            Stop);
        var entries = Path.Combine(directory, "entries.ldif");
        await File.WriteAllTextAsync(entries, Entries, Stop);
        (await CommandResult.RunAsync("/usr/sbin/slapadd", ["-q", "-f", configuration, "-l", entries], null, null, Stop)).Succeeded();
        string[] user = [];
        if (Environment.IsPrivilegedProcess)
        {
            TestUser.Own(directory);
            TestUser.Own(database);
            foreach (var file in Directory.GetFiles(database))
            {
                TestUser.Own(file);
            }

            user = ["-u", TestUser.Name];
        }

        server = Process.Start(new ProcessStartInfo("/usr/sbin/slapd", [.. user, "-d", "0", "-f", configuration, "-h", string.Create(CultureInfo.InvariantCulture, $"ldap://127.0.0.1:{port}")]))!;
        await Until.TrueAsync(() => Ports.IsListeningAsync(port), "slapd listens", Stop);
    }

    public async ValueTask DisposeAsync()
    {
        server.Kill();
        await server.WaitForExitAsync();
        server.Dispose();
        Directory.Delete(directory, recursive: true);
    }

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
        await File.WriteAllTextAsync(file, $"{Server}bind = yes\nbind_dn = cn=admin,dc=example,dc=com\nbind_pw = secret\n{config}\n", Stop);
        await using var registry = new TableRegistry(new MailLog(new Silence()), TimeProvider.System);
        var table = registry.Open("ldap:" + file);
        string[] keys = ["Anna@Example.com", "bo@sub.example.com", @"bo (the second) * \ ,", "group@example.com", "urls@example.com", "loop@example.com", "anna", "*", "@example.com", "none@x"];
        foreach (var key in keys)
        {
            var theirs = await PostfixCommand.RunAsync("postmap", "-c", directory, "-q", key, "ldap:" + file);
            var ours = await table.FindAsync(key, Stop);
            (ours.IsFailed, ours.IsFound ? ours.Value + "\n" : "").ShouldBe((theirs.Error.Contains("fatal:"), theirs.Output), key + ": " + theirs.Error + ours.Text);
            if (ours.IsFailed)
            {
                // Debian's waits a second after each failure; the other keys would fail alike.
                return;
            }
        }
    }

    [Fact]
    public async Task A_wrong_password_and_a_server_that_is_away_fail_the_lookup_and_it_comes_back()
    {
        const string query = "query_filter = mail=%s\nresult_attribute = uid\nbind_dn = cn=admin,dc=example,dc=com\n";
        var file = Path.Combine(directory, "table.cf");
        await File.WriteAllTextAsync(file, $"{Server}{query}bind_pw = wrong\n", Stop);
        var log = new WarningsOnly();
        await using var registry = new TableRegistry(new MailLog(log), TimeProvider.System);
        (await registry.Open("ldap:" + file).FindAsync("anna@example.com", Stop)).IsFailed.ShouldBeTrue();
        log.Text.ShouldContain("bind as cn=admin,dc=example,dc=com: Invalid credentials");
        log.Text.ShouldNotContain("wrong");

        await File.WriteAllTextAsync(file + "2", $"server_host = ldap://127.0.0.1:1 ldap://127.0.0.1:{port}\nsearch_base = dc=example,dc=com\n{query}bind_pw = secret\n", Stop);
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
