using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Mta.Services.Master;
using Mta.Services.Net;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Master;

/// <summary>The postfix command and master, as processes, over a database of the tests' server.</summary>
public sealed class PostfixCommandTests : IAsyncLifetime
{
    private TestDatabase database = null!;
    private MailInstance instance = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        instance = new MailInstance(Url(database.ConnectionString));
    }

    public async ValueTask DisposeAsync()
    {
        await instance.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task Start_status_stop_say_what_postfix_says()
    {
        (await instance.PostfixAsync("status")).ShouldBe(new CommandOutcome(1, "", "postfix/postfix-script: the Postfix mail system is not running\n"));
        (await instance.PostfixAsync("stop")).ShouldBe(new CommandOutcome(1, "", "postfix/postfix-script: fatal: the Postfix mail system is not running\n"));

        (await instance.PostfixAsync("start")).ShouldBe(new CommandOutcome(0, "", "postfix/postfix-script: starting the Postfix mail system\n"));

        (await MailInstance.AcceptsAsync(instance.Port)).ShouldBeTrue();
        (await instance.PostfixAsync("status")).ShouldBe(
            new CommandOutcome(
                0,
                "possible duplicates: 0\n",
                string.Create(CultureInfo.InvariantCulture, $"postfix/postfix-script: the Postfix mail system is running: PID: {instance.MasterPid}\n")));
        (await instance.PostfixAsync("start")).ShouldBe(new CommandOutcome(1, "", "postfix/postfix-script: fatal: the Postfix mail system is already running\n"));
        (await instance.PostfixAsync("stop")).ShouldBe(new CommandOutcome(0, "", "postfix/postfix-script: stopping the Postfix mail system\n"));
        (await MailInstance.AcceptsAsync(instance.Port)).ShouldBeFalse();

        var log = await File.ReadAllTextAsync(instance.Log, Cancel);
        log.ShouldMatch(@"postfix/master\[\d+\]: daemon started -- version \S+, configuration " + instance.Configuration);
        log.ShouldMatch(@"postfix/master\[\d+\]: terminating on signal 15");
    }

    [Fact]
    public async Task Shell_that_reads_the_output_of_start_does_not_wait_for_the_daemon()
    {
        var held = Path.Combine(instance.Configuration, "held");
        var shell = await MailInstance.RunAsync(
            "/bin/bash", "-c", $"exec 7>'{held}'; X=$('{MailInstance.Program("Mta.Tools")}' postfix -c '{instance.Configuration}' start 2>&1); echo $?");

        shell.Output.ShouldBe("0\n");
        foreach (var pid in new[] { instance.MasterPid!.Value, instance.ServicesPid!.Value })
        {
            var descriptors = Directory.GetFiles(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/fd"));
            descriptors.Select(d => new FileInfo(d).LinkTarget).ShouldNotContain(held);
            new FileInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/fd/0")).LinkTarget.ShouldBe("/dev/null");
        }
    }

    [Fact]
    public async Task Services_run_as_mail_owner_with_his_home_and_master_stays_who_it_was()
    {
        (await instance.PostfixAsync("start")).ExitCode.ShouldBe(0);
        var owner = SystemAccount.ByName(Environment.IsPrivilegedProcess ? TestUser.Name : Environment.UserName)!;

        Libc.OwnerOf(string.Create(CultureInfo.InvariantCulture, $"/proc/{instance.ServicesPid}/status")).ShouldBe(owner.Uid);
        Libc.OwnerOf(string.Create(CultureInfo.InvariantCulture, $"/proc/{instance.MasterPid}/status")).ShouldBe(Libc.OwnerOf("/proc/self"));
        if (Environment.IsPrivilegedProcess)
        {
            (await File.ReadAllTextAsync(string.Create(CultureInfo.InvariantCulture, $"/proc/{instance.ServicesPid}/environ"), Cancel))
                .Split('\0').ShouldContain("HOME=" + owner.Home);
        }
    }

    [Fact]
    public async Task Port_in_use_is_told_on_standard_error_and_nothing_stays_behind()
    {
        using var other = new TcpListener(IPAddress.Loopback, instance.Port);
        other.Start();

        var outcome = await instance.PostfixAsync("start");

        outcome.ExitCode.ShouldBe(1);
        outcome.Error.ShouldContain($"fatal: bind 127.0.0.1 port {instance.Port}: Address already in use");
        outcome.Error.ShouldEndWith("fatal: mail system startup failed\n");
        (await instance.PostfixAsync("status")).ExitCode.ShouldBe(1);
    }

    [Theory]
    [InlineData("smtpd_recipient_limit = many\n", "smtpd_recipient_limit")]
    [InlineData("database_url = nonsense\n", "database_url is neither")]
    public async Task Configuration_with_an_error_is_not_started_with(string line, string expected)
    {
        instance.MainCf += line;

        var outcome = await instance.PostfixAsync("start");

        outcome.ExitCode.ShouldBe(1);
        outcome.Error.ShouldContain(expected);
        (await MailInstance.AcceptsAsync(instance.Port)).ShouldBeFalse();
    }

    [Fact]
    public async Task Reload_takes_new_ports_and_refuses_a_broken_file_with_the_reason()
    {
        (await instance.PostfixAsync("start")).ExitCode.ShouldBe(0);
        var second = MailInstance.FreePort();
        var good = instance.MasterCf + $"127.0.0.1:{second} inet n - n - - smtpd\n";

        instance.MasterCf = good;
        (await instance.PostfixAsync("reload")).ExitCode.ShouldBe(0);
        (await MailInstance.AcceptsAsync(second)).ShouldBeTrue();

        instance.MasterCf = good + "broken\n";
        var refused = await instance.PostfixAsync("reload");
        refused.ExitCode.ShouldBe(1);
        refused.Error.ShouldContain("reload refused, the old configuration stays");
        refused.Error.ShouldContain("bad field count: \"broken\"");
        (await MailInstance.AcceptsAsync(second)).ShouldBeTrue();

        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var taken = ((IPEndPoint)other.LocalEndpoint).Port;
        instance.MasterCf = good + $"127.0.0.1:{taken} inet n - n - - smtpd\n";
        (await instance.PostfixAsync("reload")).Error.ShouldContain($"bind 127.0.0.1 port {taken}: Address already in use");

        instance.MasterCf = $"127.0.0.1:{instance.Port} inet n - n - - smtpd\n";
        (await instance.PostfixAsync("reload")).ExitCode.ShouldBe(0);
        await MailInstance.UntilAsync(() => !MailInstance.AcceptsAsync(second).Result, "the listener that is gone from master.cf closes");
    }

    [Fact]
    public async Task Start_fg_becomes_master_logs_to_standard_output_and_ends_with_a_signal()
    {
        instance.MainCf = string.Join('\n', instance.MainCf.Split('\n').Where(l => !l.StartsWith("maillog_file", StringComparison.Ordinal)));
        using var master = Process.Start(new ProcessStartInfo(MailInstance.Program("Mta.Tools"), ["postfix", "-c", instance.Configuration, "start-fg"])
        {
            RedirectStandardOutput = true,
        })!;
        string? line;
        do
        {
            line = await master.StandardOutput.ReadLineAsync(Cancel);
        }
        while (line?.Contains("daemon started", StringComparison.Ordinal) == false);

        line!.ShouldContain($"postfix/master[{master.Id}]: daemon started");
        instance.MasterPid.ShouldBe(master.Id);
        (await MailInstance.AcceptsAsync(instance.Port)).ShouldBeTrue();

        (await MailInstance.RunAsync("/bin/kill", "-TERM", master.Id.ToString(CultureInfo.InvariantCulture))).ExitCode.ShouldBe(0);
        await master.WaitForExitAsync(Cancel);
        master.ExitCode.ShouldBe(0);
        (await MailInstance.AcceptsAsync(instance.Port)).ShouldBeFalse();
    }

    [Fact]
    public async Task Reload_by_signal_works_too()
    {
        (await instance.PostfixAsync("start")).ExitCode.ShouldBe(0);
        (await MailInstance.RunAsync("/bin/kill", "-HUP", instance.MasterPid!.Value.ToString(CultureInfo.InvariantCulture))).ExitCode.ShouldBe(0);
        await MailInstance.UntilAsync(() => File.ReadAllText(instance.Log).Contains("reload -- version", StringComparison.Ordinal), "reload is logged");
    }

    [Fact]
    public async Task Check_is_silent_when_all_is_well_and_makes_missing_directories()
    {
        (await instance.PostfixAsync("check")).ShouldBe(new CommandOutcome(0, "", ""));
        Directory.Exists(instance.Data).ShouldBeTrue();

        instance.MasterCf += "broken\n";
        var broken = await instance.PostfixAsync("check");
        broken.ExitCode.ShouldBe(1);
        broken.Error.ShouldContain("bad field count");
    }

    [Theory]
    [InlineData("check_policy_service unix:private/policy, reject", "restriction \"check_policy_service\" is not implemented in this version")]
    [InlineData("check_client_access, reject", "restriction \"check_client_access\" requires a table")]
    public async Task Check_names_a_restriction_that_would_keep_smtpd_from_starting(string restrictions, string words)
    {
        instance.MainCf += $"smtpd_recipient_restrictions = {restrictions}\n";
        var outcome = await instance.PostfixAsync("check");
        outcome.ExitCode.ShouldBe(1);
        outcome.Error.ShouldContain($"smtpd_recipient_restrictions: {words}");
    }

    [Fact]
    public async Task Unknown_action_is_refused_as_postfix_does()
    {
        var outcome = await instance.PostfixAsync("nonsense");
        outcome.ExitCode.ShouldBe(1);
        outcome.Error.ShouldStartWith("postfix/postfix-script: fatal: unknown command: 'nonsense'. Usage: postfix start (or stop,");
    }

    internal static string Url(string connectionString)
    {
        var parsed = new NpgsqlConnectionStringBuilder(connectionString);
        return $"postgresql://{parsed.Username}@/{parsed.Database}?host={parsed.Host}&port={parsed.Port}";
    }
}
