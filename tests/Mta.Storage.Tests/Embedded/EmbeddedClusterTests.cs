using System.Diagnostics;
using System.Globalization;
using Mta.Storage.Connections;
using Mta.Storage.Embedded;
using Mta.Testing;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Embedded;

/// <summary>A real cluster in a directory of the test's own.</summary>
public sealed class EmbeddedClusterTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("mta-embedded-");
    private readonly EmbeddedCluster cluster;

    public EmbeddedClusterTests()
    {
        File.SetUnixFileMode(directory.FullName, (UnixFileMode)Convert.ToInt32("755", 8));
        cluster = new EmbeddedCluster(directory.FullName, TestUser.Name);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        cluster.Stop();
        directory.Delete(recursive: true);
    }

    [Fact]
    public async Task New_cluster_is_on_a_socket_only_has_checksums_and_takes_the_schema()
    {
        using var use = await cluster.StartAsync(Cancel);
        (await use.Database.MigrateAsync(null, Cancel)).SeparateRoles.ShouldBeTrue();

        (await ScalarAsync(use.Database, "SELECT current_user::text")).ShouldBe("mta_daemon");
        (await ScalarAsync(use.Database, """
            SELECT concat_ws(' ', current_setting('data_checksums'), current_setting('server_encoding'), current_setting('fsync'),
                current_setting('synchronous_commit'), '[' || current_setting('listen_addresses') || ']')
            """)).ShouldBe("on UTF8 on on []");
        use.Stop();
        cluster.IsRunning.ShouldBeFalse();
    }

    [Fact]
    public async Task Starts_at_the_same_time_give_one_cluster()
    {
        var other = new EmbeddedCluster(directory.FullName, TestUser.Name);
        var uses = await Task.WhenAll(cluster.StartAsync(Cancel), other.StartAsync(Cancel));

        uses.Count(u => u.Started).ShouldBe(1);
        uses[0].Dispose();
        cluster.IsRunning.ShouldBeTrue("the other still uses it");
        uses[1].Dispose();
        cluster.IsRunning.ShouldBeFalse();
    }

    [Fact]
    public async Task Killed_server_is_started_anew_with_what_was_committed()
    {
        using var use = await cluster.StartAsync(Cancel);
        await ScalarAsync(use.Database, "CREATE TABLE kept AS SELECT 42 AS x", DatabaseRole.Login);
        Process.GetProcessById(Pid()).Kill();

        using var again = await new EmbeddedCluster(directory.FullName, TestUser.Name).StartAsync(Cancel);

        (await ScalarAsync(again.Database, "SELECT x FROM kept", DatabaseRole.Login)).ShouldBe(42);
        use.Stop();
    }

    [Fact]
    public async Task Running_cluster_is_attached_to()
    {
        using var use = await cluster.StartAsync(Cancel);
        var pid = Pid();

        using var again = await new EmbeddedCluster(directory.FullName, TestUser.Name).StartAsync(Cancel);

        again.Started.ShouldBeFalse();
        Pid().ShouldBe(pid);
        use.Stop();
    }

    [Fact]
    public async Task Pid_file_that_names_another_living_process_does_not_stop_a_start()
    {
        using (var use = await cluster.StartAsync(Cancel))
        {
            var file = Path.Combine(cluster.Data, "postmaster.pid");
            var lines = await File.ReadAllLinesAsync(file, Cancel);
            use.Stop();
            using var other = Process.Start(new ProcessStartInfo("sleep", "60") { UserName = Environment.IsPrivilegedProcess ? TestUser.Name : null, WorkingDirectory = "/" })!;
            lines[0] = other.Id.ToString(CultureInfo.InvariantCulture);
            await File.WriteAllLinesAsync(file, lines, Cancel);

            using var again = await cluster.StartAsync(Cancel);

            again.Started.ShouldBeTrue();
            other.HasExited.ShouldBeFalse();
            other.Kill();
        }
    }

    [Fact]
    public async Task Creation_that_was_cut_off_is_begun_anew()
    {
        Directory.CreateDirectory(Path.Combine(cluster.Data + ".new", "base"));
        Own(cluster.Directory);
        using var use = await cluster.StartAsync(Cancel);
        (await ScalarAsync(use.Database, "SELECT 1", DatabaseRole.Login)).ShouldBe(1);
    }

    [Fact]
    public async Task Cluster_of_a_version_that_is_not_installed_is_refused_with_the_way_out()
    {
        Directory.CreateDirectory(cluster.Data);
        await File.WriteAllTextAsync(Path.Combine(cluster.Data, "PG_VERSION"), "9\n", Cancel);
        Own(cluster.Directory);

        var refusal = await Should.ThrowAsync<StorageException>(() => cluster.StartAsync(Cancel));

        refusal.Failure.ShouldBe(StorageFailure.Fatal);
        refusal.Message.ShouldContain("apt-get install postgresql-9");
        refusal.Message.ShouldContain($"pg_upgrade -U postgres -b /usr/lib/postgresql/9/bin -B {PostgresBinaries.FindAll()[0].Directory} -d {cluster.Data}");
    }

    [Fact]
    public async Task Ordinary_user_gets_in_as_submit_and_as_nothing_else()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs a second user");
        using var use = await cluster.StartAsync(Cancel);
        var psql = Path.Combine(PostgresBinaries.FindAll()[0].Directory, "psql");
        PostgresCommandResult AsNobody(string role) =>
            PostgresCommand.Run(psql, ["-h", cluster.Directory, "-U", role, "-d", "mta", "-Atc", "SELECT current_user"], "nobody");

        AsNobody("mta_submit").Output.ShouldBe("mta_submit");
        foreach (var role in new[] { "mta_daemon", "mta_owner", "mta_report", "postgres" })
        {
            AsNobody(role).Output.ShouldContain("Peer authentication failed");
        }
    }

    private static void Own(string path)
    {
        if (Environment.IsPrivilegedProcess)
        {
            TestUser.Own(path);
        }
    }

    private int Pid() => ClusterProcess.Find(cluster.Data)!.Value;

    private static async Task<object?> ScalarAsync(Database database, string sql, DatabaseRole role = DatabaseRole.Daemon)
    {
        await using var source = database.CreateDataSource(role, "test", 1, c => c.Pooling = false);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancel);
    }
}
