using System.Globalization;
using Mta.EndToEnd.Tests.Harness;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Master;

/// <summary>Files of an existing Postfix, and what is said of the services in them.</summary>
public sealed class MasterCfTests : IAsyncLifetime
{
    private const string Debian = "/usr/share/postfix/master.cf.dist";

    private TestDatabase database = null!;
    private MailInstance instance = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        instance = new MailInstance(PostfixCommandTests.Url(database.ConnectionString));
    }

    public async ValueTask DisposeAsync()
    {
        await instance.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task Debians_file_starts_with_each_service_served_or_said_not_to_be_there()
    {
        Assert.SkipUnless(File.Exists(Debian), "Postfix is not installed: apt-get install postfix");
        var text = await File.ReadAllTextAsync(Debian, Cancel);
        // Nothing but the port is another one: 25 may be somebody's.
        instance.MasterCf = text.Replace("\nsmtp      inet", $"\n127.0.0.1:{instance.Port} inet", StringComparison.Ordinal);

        var started = await instance.PostfixAsync("start");
        started.ExitCode.ShouldBe(0, started.Error);
        foreach (var transport in (string[])["maildrop", "uucp", "ifmail", "bsmtp", "scalemail-backend", "mailman"])
        {
            started.Error.ShouldMatch($@"master.cf, line \d+: service {transport}: pipe is not available in this version: mail for this transport is deferred\n");
        }

        var said = started.Error.Split('\n');
        said.Count(l => l.Contains("chroot is not honoured", StringComparison.Ordinal)).ShouldBe(1);
        said.Length.ShouldBe(9, started.Error);

        // The services that do not speak SMTP are there too.
        (await RunAsync("postqueue", "-p")).Output.ShouldBe("Mail queue is empty\n");
        (await RunAsync("postqueue", "-f")).ExitCode.ShouldBe(0);
        await using var client = await SmtpDialogue.ConnectAsync(instance.Port, Cancel);
        await client.ExpectAsync("EHLO client.test", "250", Cancel);
    }

    [Fact]
    public async Task Services_may_listen_at_several_places_and_have_settings_of_their_own()
    {
        int[] ports = [MailInstance.FreePort(), MailInstance.FreePort(), MailInstance.FreePort()];
        instance.MainCf += $"known_tcp_ports = mine={ports[0]}\nsmtpd_banner = main\nmua = of $mua_name\nmua_name = main.cf\n";
        instance.MasterCf = string.Create(
            CultureInfo.InvariantCulture,
            $$"""
            127.0.0.1:{{instance.Port}} inet n - y - - smtpd
            mine inet n - n - - smtpd -o smtpd_banner=one
            localhost:{{ports[1]}} inet n - n 60? 5 smtpd -v -o{ smtpd_banner = two  words } -o syslog_name=postfix/two
            [127.0.0.1]:{{ports[2]}} inet n - n - 0 smtpd
              # in between
              -o { smtpd_banner = three $mua } -o mua_name=master.cf
            old fifo n - n - - pickup
            passed pass - - n - - smtpd
            mystery unix - - n - - nosuchprogram
            """) + "\n";
        var started = await instance.PostfixAsync("start");
        started.ExitCode.ShouldBe(0, started.Error);
        started.Error.ShouldContain("line 8: service passed: smtpd takes connections of inet services only; nobody passes it any\n");
        started.Error.ShouldContain("line 9: service mystery: nosuchprogram is no program of the mail system; the service is not started\n");

        (await GreetingAsync(instance.Port)).ShouldBe("220 main");
        (await GreetingAsync(ports[0])).ShouldBe("220 one");
        (await GreetingAsync(ports[1])).ShouldBe("220 two  words");
        (await GreetingAsync(ports[2])).ShouldBe("220 three of master.cf");
        await Until.TrueAsync(() => File.ReadAllText(instance.Log).Contains("postfix/two/smtpd[", StringComparison.Ordinal), "the log line of the service", Cancel);

        async Task<string> GreetingAsync(int port)
        {
            await using var client = await SmtpDialogue.ConnectAsync(port, Cancel);
            return client.Greeting;
        }
    }

    [Theory]
    [InlineData("smtp inet n - n - smtpd", "master.cf, line 2: bad field count: \"smtp inet n - n - smtpd\" (write name type ")]
    [InlineData("nosuchport inet n - n - - smtpd", "master.cf, line 2: unknown port: \"nosuchport\" (write its number, or name it in known_tcp_ports or /etc/services)")]
    [InlineData("x inet y - n - - smtpd", "master.cf, line 2: invalid private field \"y\" in \"x inet y - n - - smtpd\" (write n, an inet service is public)")]
    [InlineData("x unix - - n - - smtp -o foo", "master.cf, line 2: bad -o option of x/unix: missing '=' after attribute name: \"foo\" (write -o name=value or -o { name = value })")]
    [InlineData("x unix - - n - - smtp -o smtp_helo_timeout=soon", "master.cf, line 2: parameter smtp_helo_timeout: bad time value or unit: soon (write a whole number and ")]
    public async Task A_line_with_an_error_is_named_with_its_remedy_and_nothing_starts(string line, string expected)
    {
        instance.MasterCf += line + "\n";
        var started = await instance.PostfixAsync("start");
        started.ExitCode.ShouldBe(1);
        started.Error.ShouldContain(expected);
        (await MailInstance.AcceptsAsync(instance.Port)).ShouldBeFalse();
        var check = await instance.PostfixAsync("check");
        check.ExitCode.ShouldBe(1);
        check.Error.ShouldContain(expected);
    }

    [Fact]
    public async Task Check_judges_the_values_in_sql_by_the_files_of_this_node()
    {
        (await instance.PostfixAsync("start")).ExitCode.ShouldBe(0);
        (await instance.PostfixAsync("check")).ShouldBe(new CommandOutcome(0, "", ""));

        // What only a node can judge, the database takes.
        await using (var connection = new NpgsqlConnection(database.ConnectionString))
        {
            await connection.OpenAsync(Cancel);
            await using var command = new NpgsqlCommand("SELECT mta.set_parameter('smtpd_timeout', '${{$compatibility_level} >=level {3} ? {soon} : {5}}')", connection);
            await command.ExecuteNonQueryAsync(Cancel);
        }

        var check = await instance.PostfixAsync("check");
        check.ExitCode.ShouldBe(1);
        check.Error.ShouldContain("error: mta.parameter: parameter smtpd_timeout: bad time value or unit: soon (write a whole number and ");

        // Where the files say something else, it does not count.
        instance.MainCf += "smtpd_timeout = 9s\n";
        (await instance.PostfixAsync("check")).ShouldBe(new CommandOutcome(0, "", ""));
    }

    private Task<CommandOutcome> RunAsync(string command, params string[] arguments) =>
        MailInstance.RunAsync(MailInstance.Program("Mta.Tools"), [command, "-c", instance.Configuration, .. arguments]);
}
