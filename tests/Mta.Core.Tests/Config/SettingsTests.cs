using System.Net;
using Mta.Core.Config;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Config;

public sealed class SettingsTests
{
    private static readonly HostFacts Host = new()
    {
        HostName = "vm",
        Interfaces =
        [
            new(IPAddress.Loopback, 8),
            new(IPAddress.IPv6Loopback, 128),
            new(IPAddress.Parse("192.0.2.2"), 24),
            new(IPAddress.Parse("fd00::2"), 64),
        ],
        AddressesOf = name => name == "mail.example.com" ? [IPAddress.Parse("192.0.2.2")] : [],
    };

    [Theory]
    [InlineData("mynetworks_style=host", "127.0.0.1/32 192.0.2.2/32 [::1]/128 [fd00::2]/128")]
    [InlineData("mynetworks_style=subnet", "127.0.0.0/8 192.0.2.0/24 [::1]/128 [fd00::]/64")]
    [InlineData("mynetworks_style=class,inet_protocols=ipv4", "127.0.0.0/8 192.0.2.0/24")]
    [InlineData("mynetworks_style=host,inet_interfaces=loopback-only", "127.0.0.1/32 [::1]/128")]
    [InlineData("mynetworks_style=subnet,inet_interfaces=127.0.0.1", "127.0.0.0/8")]
    [InlineData("mynetworks_style=host,inet_interfaces=loopback-only mail.example.com nowhere.example.com", "127.0.0.1/32 192.0.2.2/32 [::1]/128")]
    [InlineData("compatibility_level=3.6", "127.0.0.1/32 192.0.2.2/32 [::1]/128 [fd00::2]/128")]
    [InlineData("compatibility_level=0", "127.0.0.0/8 192.0.2.0/24 [::1]/128 [fd00::]/64")]
    public void Default_of_mynetworks_follows_style_interfaces_and_protocols(string mainCf, string expected) =>
        Load(mainCf).Get(Parameters.Mynetworks).ShouldBe(expected);

    [Theory]
    [InlineData("", "vm.localdomain", "localdomain")]
    [InlineData("mydomain=foo.org", "vm.foo.org", "foo.org")]
    [InlineData("myhostname=mail.foo.org", "mail.foo.org", "foo.org")]
    [InlineData("myhostname=foo", "foo", "localdomain")]
    public void Host_and_domain_complete_each_other(string mainCf, string hostname, string domain)
    {
        var settings = Load(mainCf);
        settings.Get(Parameters.Myhostname).ShouldBe(hostname);
        settings.Get(Parameters.Mydomain).ShouldBe(domain);
        settings.Get(Parameters.Mydestination).ShouldBe($"{hostname}, localhost.{domain}, localhost");
    }

    [Fact]
    public void Values_are_read_as_their_kind()
    {
        var settings = Load("biff=No,smtpd_timeout=5m,maximal_queue_lifetime=3,delay_warning_time=2,message_size_limit=7,stress=yes,hopcount_limit=$x,x=12");
        settings.Get(Parameters.Biff).ShouldBeFalse();
        settings.Get(Parameters.SmtpdTimeout).ShouldBe(TimeSpan.FromMinutes(5));
        settings.Get(Parameters.MaximalQueueLifetime).ShouldBe(TimeSpan.FromDays(3));
        settings.Get(Parameters.DelayWarningTime).ShouldBe(TimeSpan.FromHours(2));
        settings.Get(Parameters.MessageSizeLimit).ShouldBe(7);
        settings.Get(Parameters.SmtpdHardErrorLimit).ShouldBe(1);
        settings.Get(Parameters.HopcountLimit).ShouldBe(12);
    }

    [Theory]
    [InlineData("biff = maybe", "main.cf, line 1: bad boolean configuration: biff = maybe (write yes or no)")]
    [InlineData("\nhopcount_limit = x", "main.cf, line 2: bad numerical configuration: hopcount_limit = x (write a whole number from ")]
    [InlineData("smtpd_timeout = 3 days", "main.cf, line 1: parameter smtpd_timeout: bad time value or unit: 3 days (write a whole number and ")]
    [InlineData("hopcount_limit = -1", "main.cf, line 1: invalid hopcount_limit parameter value -1 < ")]
    [InlineData("myorigin = $myorigin", "main.cf, line 1: myorigin = $myorigin: unreasonable macro call nesting: \"myorigin\"")]
    [InlineData("relay_destination_recipient_limit = x", "main.cf, line 1: bad numerical configuration: relay_destination_recipient_limit = x")]
    [InlineData("compatibility_level = new", "main.cf, line 1: malformed compatibility level syntax: \"new\" (write \"compatibility_level = ")]
    public void Bad_values_are_named_with_place_and_remedy(string text, string expected)
    {
        var loaded = SettingsLoader.Load("main.cf", text, Host);
        loaded.Settings.ShouldBeNull();
        loaded.Problems.ShouldContain(p => p.IsError && p.ToString().StartsWith(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_default_is_valid_at_every_level()
    {
        foreach (var level in (string[])["0", "1", "2", "3.6", "3.11", "3.12"])
        {
            new Settings([new("compatibility_level", level)], Host).Validate().ShouldBeEmpty();
        }
    }

    [Fact]
    public void Missing_compatibility_level_is_warned_of()
    {
        SettingsLoader.Load("main.cf", "", Host).Problems.ShouldContain(p => p.Text == "Postfix is running with backwards-compatible default settings");
        SettingsLoader.Load("main.cf", "compatibility_level = 3.12", Host).Problems.ShouldBeEmpty();
    }

    [Fact]
    public void Override_comes_first_and_leaves_the_snapshot_alone()
    {
        var settings = Load("myorigin=$x,x=1");
        settings.With([new("x", "2")]).Get(Parameters.Myorigin).ShouldBe("2");
        settings.Get(Parameters.Myorigin).ShouldBe("1");
    }

    [Fact]
    public void Transport_has_its_own_value_else_the_general_one()
    {
        var settings = Load("default_destination_concurrency_limit=7,relay_destination_concurrency_limit=$x,x=3,slow_initial_destination_concurrency=1");
        settings.Transport("relay", Parameters.DefaultDestinationConcurrencyLimit).ShouldBe(3);
        settings.Transport("smtp", Parameters.DefaultDestinationConcurrencyLimit).ShouldBe(7);
        settings.Transport("local", Parameters.DefaultDestinationConcurrencyLimit).ShouldBe(2);
        settings.Transport("slow", Parameters.InitialDestinationConcurrency).ShouldBe(1);
        settings.Transport("pipe", Parameters.CommandTimeLimit).ShouldBe(TimeSpan.FromSeconds(1000));
    }

    [Fact]
    public void Second_get_allocates_nothing()
    {
        var settings = Load("biff=no,relay_destination_recipient_limit=4");
        Touch(settings);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Touch(settings);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);

        static void Touch(Settings settings)
        {
            _ = settings.Get(Parameters.Biff);
            _ = settings.Get(Parameters.HopcountLimit);
            _ = settings.Get(Parameters.SmtpdTimeout);
            _ = settings.Transport("relay", Parameters.DefaultDestinationRecipientLimit);
        }
    }

    private static Settings Load(string mainCf)
    {
        var loaded = SettingsLoader.Load("main.cf", mainCf.Replace(",", "\n", StringComparison.Ordinal), Host);
        return loaded.Settings.ShouldNotBeNull(string.Join('\n', loaded.Problems));
    }
}
