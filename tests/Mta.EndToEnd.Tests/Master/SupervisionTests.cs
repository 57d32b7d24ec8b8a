using System.Diagnostics;
using System.Globalization;
using Mta.Storage.Embedded;
using Mta.Testing;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Master;

/// <summary>Processes that die, with the embedded database.</summary>
public sealed class SupervisionTests : IAsyncLifetime
{
    private readonly MailInstance instance = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private EmbeddedCluster Cluster => new(instance.Data, TestUser.Name);

    private int PostmasterPid => ClusterProcess.Find(Cluster.Data) ?? throw new InvalidOperationException("no server");

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => instance.DisposeAsync();

    [Fact]
    public async Task Killed_master_takes_its_services_with_it_and_the_next_start_finds_the_database_running()
    {
        await StartAsync();
        var services = instance.ServicesPid!.Value;
        var postmaster = PostmasterPid;

        Kill(instance.MasterPid!.Value);
        await StartAsync();

        MailInstance.IsAlive(services).ShouldBeFalse();
        PostmasterPid.ShouldBe(postmaster);
        (await instance.PostfixAsync("stop")).ExitCode.ShouldBe(0);
        Cluster.IsRunning.ShouldBeFalse();
    }

    [Fact]
    public async Task Killed_services_process_is_started_again_and_the_port_refuses_nobody_meanwhile()
    {
        await StartAsync();
        var services = instance.ServicesPid!.Value;

        Kill(services);

        (await MailInstance.AcceptsAsync(instance.Port)).ShouldBeTrue();
        await MailInstance.UntilAsync(() => instance.ServicesPid is { } pid && pid != services && MailInstance.IsAlive(pid), "another services process");
        (await MailInstance.AcceptsAsync(instance.Port)).ShouldBeTrue();
        await MailInstance.UntilAsync(
            () => File.ReadAllText(instance.Log).Contains($"warning: process {services} killed by signal 9", StringComparison.Ordinal), "the reason is logged");
    }

    [Fact]
    public async Task Killed_embedded_server_is_started_again()
    {
        await StartAsync();
        var postmaster = PostmasterPid;

        Kill(postmaster);

        await MailInstance.UntilAsync(() => ClusterProcess.Find(Cluster.Data) is { } pid && pid != postmaster, "another server");
        using var use = await Cluster.StartAsync(Cancel);
        use.Started.ShouldBeFalse();
    }

    [Fact]
    public async Task Both_killed_at_once_are_recovered_by_the_next_start()
    {
        await StartAsync();
        Kill(instance.MasterPid!.Value);
        Kill(instance.ServicesPid!.Value);
        Kill(PostmasterPid);

        await StartAsync();
    }

    [Fact]
    public async Task Log_file_in_a_directory_of_roots_is_written_and_follows_a_rotation()
    {
        await StartAsync();
        (await File.ReadAllTextAsync(instance.Log, Cancel)).ShouldContain($"postfix/master[{instance.ServicesPid}]: embedded PostgreSQL started");

        File.Move(instance.Log, instance.Log + ".1");
        (await instance.PostfixAsync("reload")).ExitCode.ShouldBe(0);
        (await instance.PostfixAsync("stop")).ExitCode.ShouldBe(0);

        (await File.ReadAllTextAsync(instance.Log, Cancel)).ShouldContain("terminating on signal 15");
    }

    private static void Kill(int pid)
    {
        using var process = Process.GetProcessById(pid);
        process.Kill();
    }

    private async Task StartAsync()
    {
        var outcome = await instance.PostfixAsync("start");
        outcome.ExitCode.ShouldBe(0, outcome.Error + string.Create(CultureInfo.InvariantCulture, $" port {instance.Port}"));
    }
}
