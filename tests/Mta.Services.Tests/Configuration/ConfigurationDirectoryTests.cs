using Mta.Core.Config;
using Mta.Services.Configuration;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Configuration;

public sealed class ConfigurationDirectoryTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("mta-config");

    private CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Delete(recursive: true);

    [Fact]
    public async Task Services_see_their_overrides_and_their_names()
    {
        Write("compatibility_level = 3.12\nmyorigin = $mine\nmine = 1\nmaster_service_disable = verify/unix fifo\n", BuiltInFiles.MasterCf + "  -o mine=2\n");
        var loaded = await ConfigurationDirectory.LoadAsync(directory.FullName, "master", Cancellation);
        loaded.Problems.ShouldBeEmpty();
        loaded.Services.ShouldNotContain(s => s.Name == "verify");
        var settings = loaded.Settings.ShouldNotBeNull();
        settings.Get(Parameters.ConfigDirectory).ShouldBe(directory.FullName);
        settings.Get(Parameters.Myorigin).ShouldBe("1");
        settings.Get(Parameters.Mynetworks).ShouldContain("127.0.0.1/32");
        var postlog = LoadedConfiguration.ForService(settings, loaded.Services.Single(s => s.Name == "postlog"));
        postlog.Get(Parameters.Myorigin).ShouldBe("2");
        postlog.Get(Parameters.ServiceName).ShouldBe("postlog");
        LoadedConfiguration.ForService(settings, loaded.Services.Single(s => s.Name == "relay")).Get(Parameters.SyslogName).ShouldBe("postfix/relay");
    }

    [Theory]
    [InlineData("biff = x", "smtp inet n - n - - smtpd", "main.cf, line 1: bad boolean configuration: biff = x (write yes or no)")]
    [InlineData("", "\nsmtp inet n - n - - smtpd -o biff=x", "master.cf, line 2: bad boolean configuration: biff = x (write yes or no)")]
    [InlineData("", "smtp inet", "master.cf, line 1: bad field count: \"smtp inet\" (write ")]
    public async Task Broken_file_is_refused_with_the_reason(string main, string master, string expected)
    {
        Write(main, master);
        var loaded = await ConfigurationDirectory.LoadAsync(directory.FullName, "master", Cancellation);
        loaded.Settings.ShouldBeNull();
        loaded.Problems.ShouldContain(p => p.IsError && p.ToString().StartsWith(Path.Combine(directory.FullName, expected), StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_set_but_not_honoured_is_warned_of()
    {
        var (name, reason) = NotHonoured.Reasons.First(r => Parameters.ByName[r.Key].Kind == ParameterKind.Bool);
        var ownDefault = Parameters.ByName[name].DefaultText;
        Write($"compatibility_level = 3.12\n{name} = {(ownDefault == "yes" ? "no" : "yes")}\n", $"smtp inet n - n - - smtpd -o {name}={ownDefault}\n");
        var loaded = await ConfigurationDirectory.LoadAsync(directory.FullName, "master", Cancellation);
        loaded.Settings.ShouldNotBeNull();
        loaded.Problems.ShouldHaveSingleItem().ToString().ShouldBe($"{directory.FullName}/main.cf, line 2: parameter {name} is not honoured: {reason}");
    }

    [Fact]
    public async Task Missing_files_are_named()
    {
        var loaded = await ConfigurationDirectory.LoadAsync(Path.Combine(directory.FullName, "none"), "master", Cancellation);
        loaded.Settings.ShouldBeNull();
        loaded.Problems.Where(p => p.IsError).Select(p => p.ToString()).ShouldBe(
            [$"open {directory.FullName}/none/main.cf: No such file or directory", $"open {directory.FullName}/none/master.cf: No such file or directory"]);
    }

    private void Write(string main, string master)
    {
        File.WriteAllText(Path.Combine(directory.FullName, "main.cf"), main);
        File.WriteAllText(Path.Combine(directory.FullName, "master.cf"), master);
    }
}
