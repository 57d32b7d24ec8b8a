using System.Globalization;
using Mta.Core.Config;
using Mta.Daemon;
using Mta.Services.Clients;
using Mta.Services.Master;
using Mta.Services.Net;
using Mta.Testing;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Master;

/// <summary>Children that run as other users, asked for over the control channel; master's part is played by the test.</summary>
public sealed class UserProcessesTests : IDisposable
{
    private readonly ControlChannel master;
    private readonly ControlChannel services;
    private readonly PrivilegedClient client;

    public UserProcessesTests()
    {
        var (one, other) = Libc.SocketPair(packets: true);
        master = new ControlChannel(one);
        services = new ControlChannel(other);
        client = new PrivilegedClient(services, Environment.IsPrivilegedProcess);
        var requests = new PrivilegedRequests(new MailLog(new NoLog()));
        master.Listen(m => requests.Answer(master, m, new Settings([])), () => { });
        services.Listen(client.Answered, () => { });
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        master.Dispose();
        services.Dispose();
    }

    [Fact]
    public async Task Child_runs_as_the_user_without_privileges_and_ends_with_its_stream()
    {
        var user = SystemAccount.ByName(Environment.IsPrivilegedProcess ? TestUser.Name : Environment.UserName)!;
        var before = Children();
        var stream = await client.OpenAsync(user.Uid, user.Gid, "delivery", Cancel);
        var pid = Children().Except(before).ShouldHaveSingleItem();
        // setpriv has become the program when its name has changed.
        await MailInstance.UntilAsync(() => Status(pid, "Name").StartsWith("Mta.Daemon", StringComparison.Ordinal), "the child is there");

        var uid = user.Uid.ToString(CultureInfo.InvariantCulture);
        Status(pid, "Uid").ShouldBe($"{uid}\t{uid}\t{uid}\t{uid}");
        if (Environment.IsPrivilegedProcess)
        {
            Status(pid, "CapEff").ShouldBe("0000000000000000");
            Status(pid, "CapPrm").ShouldBe("0000000000000000");
            Status(pid, "Groups").Split(' ').ShouldNotContain("0");
        }

        await stream.DisposeAsync();
        await MailInstance.UntilAsync(() => !Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}")), "the child ends and is waited for");
    }

    [Fact]
    public async Task User_in_no_passwd_file_can_be_delivered_as()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root may become another user");
        var before = Children();
        await using var stream = await client.OpenAsync(54321, 54322, "delivery", Cancel);
        var pid = Children().Except(before).ShouldHaveSingleItem();
        await MailInstance.UntilAsync(() => Status(pid, "Name").StartsWith("Mta.Daemon", StringComparison.Ordinal), "the child is there");

        Status(pid, "Uid").ShouldStartWith("54321\t");
        Status(pid, "Gid").ShouldStartWith("54322\t");
        Status(pid, "Groups").Trim().ShouldBe("");
    }

    [Theory]
    [InlineData(0u, 0u, "delivery")]
    [InlineData(0u, 100u, "delivery")]
    [InlineData(1u, 1u, "shell")]
    public async Task Roots_rights_and_unknown_services_are_refused(uint uid, uint gid, string service) =>
        await Should.ThrowAsync<IOException>(async () => await client.OpenAsync(uid, gid, service, Cancel));

    private static List<int> Children() =>
        // Each thread has the children that it started itself.
        [.. Directory.GetDirectories("/proc/self/task")
            .SelectMany(t => File.ReadAllText(Path.Combine(t, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(p => int.Parse(p, CultureInfo.InvariantCulture))];

    private static string Status(int pid, string field) =>
        File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/status"))
            .First(l => l.StartsWith(field + ":", StringComparison.Ordinal))[(field.Length + 1)..].Trim();

    private sealed class NoLog : ILogSink
    {
        public void Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text)
        {
        }
    }
}
