using CsCheck;
using Mta.Core.Config;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Config;

public sealed class MasterCfTests
{
    [Fact]
    public void Built_in_files_have_no_problems()
    {
        var main = SettingsLoader.Load("main.cf", BuiltInFiles.MainCf, HostFacts.Loopback);
        main.Problems.ShouldBeEmpty();
        var master = Parse(BuiltInFiles.MasterCf);
        master.Problems.ShouldBeEmpty();
        master.Services.Count.ShouldBe(24);
        UnusedParameters.Find(main.MainCf, master).ShouldBeEmpty();
        master.Services.Single(s => s.Name == "relay").Overrides.ShouldBe([new("syslog_name", "${multi_instance_name?{$multi_instance_name}:{postfix}}/$service_name")]);
    }

    [Fact]
    public void Fields_are_read_and_unset_ones_have_their_defaults()
    {
        var service = Parse("smtp inet n - - 60? - smtpd -v -o { foo = bar x } -obaz=1\n# in between\n  -o x=${y?{a b}} -vv user=vmail {a  b} -o kept").Services.ShouldHaveSingleItem();
        service.Endpoint.ShouldBe(new InetEndpoint("", 25));
        service.IsPrivate.ShouldBeFalse();
        service.IsUnprivileged.ShouldBeTrue();
        service.IsChrooted.ShouldBeFalse();
        service.WakeupSeconds.ShouldBe(60);
        service.WakesOnlyWhenUsed.ShouldBeTrue();
        service.ProcessLimit.ShouldBeNull();
        service.Overrides.ShouldBe([new("foo", "bar x"), new("baz", "1"), new("x", "${y?{a b}}")]);
        service.Verbosity.ShouldBe(3);
        service.Arguments.ShouldBe(["user=vmail", "a  b", "-o", "kept"]);
    }

    [Theory]
    [InlineData("2525", "", 2525)]
    [InlineData("submission", "", 587)]
    [InlineData("127.0.0.1:smtps", "127.0.0.1", 465)]
    [InlineData("localhost:0", "localhost", 0)]
    [InlineData("[::1]:10025", "::1", 10025)]
    [InlineData("[127.0.0.1]:mine", "127.0.0.1", 77)]
    public void Inet_names_give_host_and_port(string name, string host, int port) =>
        MasterCf.Parse("master.cf", $"{name} inet n - n - - smtpd", InetEndpoint.KnownPorts("a=b=1, mine=yours=77"))
            .Services.ShouldHaveSingleItem().Endpoint.ShouldBe(new InetEndpoint(host, port));

    [Theory]
    [InlineData("foo bar", "bad field count: \"foo bar\"")]
    [InlineData("smtp inet n - n - -", "bad field count: ")]
    [InlineData("smtp tcp n - n - - smtpd", "invalid type field \"tcp\" in \"smtp tcp n - n - - smtpd\" (write inet, ")]
    [InlineData("smtp inet y - n - - smtpd", "invalid private field \"y\" in ")]
    [InlineData("smtp unix z - n - - smtpd", "invalid private field \"z\" in ")]
    [InlineData("smtp unix - - n x - smtpd", "invalid wakeup field \"x\" in ")]
    [InlineData("smtp unix - - n - x smtpd", "invalid process_limit field \"x\" in ")]
    [InlineData("nowhere inet n - n - - smtpd", "unknown port: \"nowhere\" (write its number, ")]
    [InlineData("::1:25 inet n - n - - smtpd", "bad host or port: \"::1:25\" (write an IPv6 address as [address]:port)")]
    [InlineData("smtp unix - - n - - smtp -o foo", "bad -o option of smtp/unix: missing '=' after attribute name: \"foo\"")]
    public void Errors_name_line_field_and_remedy(string line, string expected) =>
        Parse("\n" + line).Problems.ShouldHaveSingleItem().ToString().ShouldStartWith("master.cf, line 2: " + expected);

    [Fact]
    public void Ports_have_the_names_of_etc_services()
    {
        const string services = "# head\nnntp\t119/tcp\treadnews untp # USENET\nsnmp 161/udp\nsmtp 2525/tcp\nbroken\n";
        var ports = InetEndpoint.KnownPorts("smtp=25", services);
        foreach (var (name, port) in (ReadOnlySpan<(string, int)>)[("nntp", 119), ("UNTP", 119), ("smtp", 25), ("submission", 587)])
        {
            MasterCf.Parse("master.cf", $"{name} inet n - n - - smtpd", ports).Services.ShouldHaveSingleItem().Endpoint!.Port.ShouldBe(port);
        }

        MasterCf.Parse("master.cf", "snmp inet n - n - - smtpd", ports).Problems.ShouldHaveSingleItem().Text.ShouldContain("unknown port: \"snmp\"");
    }

    [Theory]
    [InlineData("-ofoo=x -vo{ a = b  c } -o { d=e } -vv -Dz arg -o f=g", "foo=x|a=b  c|d=e", 3, "arg|-o|f=g")]
    [InlineData("-- -o f=g", "", 0, "--|-o|f=g")]
    [InlineData("- -o f=g", "", 0, "-|-o|f=g")]
    public void Options_are_read_as_by_getopt(string options, string overrides, int verbosity, string arguments)
    {
        var service = Parse("smtp unix - - n - - smtp " + options).Services.ShouldHaveSingleItem();
        string.Join('|', service.Overrides.Select(o => $"{o.Key}={o.Value}")).ShouldBe(overrides);
        service.Verbosity.ShouldBe(verbosity);
        string.Join('|', service.Arguments).ShouldBe(arguments);
    }

    [Fact]
    public void Line_that_continues_nothing_is_warned_of_and_left_out()
    {
        var parsed = Parse(" smtp unix - - n - - smtp\nrelay unix - - n - - smtp");
        parsed.Services.ShouldHaveSingleItem().Name.ShouldBe("relay");
        parsed.Problems.ShouldHaveSingleItem().ToString().ShouldBe("master.cf, line 1: logical line must not start with whitespace: \" smtp unix - - n - - smtp\"");
    }

    [Fact]
    public void Last_of_two_entries_counts()
    {
        var parsed = Parse("smtp unix - - n - 1 smtp\nsmtp inet n - n - - smtpd\nsmtp unix - - n - 2 smtp");
        parsed.Problems.ShouldHaveSingleItem().IsError.ShouldBeFalse();
        parsed.Services.Select(s => s.ProcessLimit).ShouldBe([null, 2]);
    }

    [Fact]
    public void Any_text_is_read_or_refused() =>
        Gen.OneOf(
            Gen.Const("\n"), Gen.Const(" "), Gen.Const("-"), Gen.Const("inet"), Gen.Const("unix"), Gen.Const("n "), Gen.Const("{"),
            Gen.Const("}"), Gen.Const("-o "), Gen.Const("="), Gen.Const("25 inet n - n - - smtpd "), Gen.Char.Select(c => c.ToString()))
            .Array[0, 60].Select(string.Concat)
            .Sample(text => Parse(text).Services.Count >= 0, iter: 5_000);

    [Fact]
    public void Every_cut_is_read_or_refused()
    {
        for (var length = 0; length < BuiltInFiles.MasterCf.Length; length++)
        {
            _ = Parse(BuiltInFiles.MasterCf[..length]);
        }
    }

    [Fact]
    public void Names_that_nobody_reads_are_found()
    {
        var main = MainCf.Parse("main.cf", "foo = $bar\nbar = 1\nmyclass = permit\nsmtpd_restriction_classes = myclass\nslow_time_limit = 3\nquick_time_limit = 3\nvirtual_alias_maps = proxy:pgsql:vmap\nvmap_hosts = x\n");
        var master = Parse("slow unix - - n - - pipe -o mine=1 -o myhostname=$yours -o yours=2");
        UnusedParameters.Find(main, master).Select(p => p.ToString()).ShouldBe(
            ["main.cf: unused parameter: foo=$bar", "main.cf: unused parameter: quick_time_limit=3", "master.cf: unused parameter: mine=1"]);
    }

    private static MasterCf Parse(string text) => MasterCf.Parse("master.cf", text, InetEndpoint.CommonPorts);
}
