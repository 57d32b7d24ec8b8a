using System.Net;
using Mta.Services.Dns;
using Mta.Services.Smtpd;
using Mta.Services.Tests.Mailbox;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Smtpd;

public sealed class ClientNamesTests
{
    private static readonly IPAddress Client = IPAddress.Parse("203.0.113.5");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_hosts_file_comes_first()
    {
        var (names, dns, _, _) = Make("127.0.0.1 localhost loop # comment\n::1 localhost");
        (await names.FindAsync(IPAddress.Loopback, "smtpd", Token)).ShouldBe(new ClientName("localhost", "localhost"));
        (await names.FindAsync(IPAddress.IPv6Loopback, "smtpd", Token)).ShouldBe(new ClientName("localhost", "localhost"));
        dns.Asked.ShouldBe(0);
    }

    [Fact]
    public async Task A_name_counts_when_it_leads_back_to_the_address_and_is_kept_for_a_while()
    {
        var (names, dns, time, _) = Make();
        dns.Names[Client] = "mail.client.test";
        dns.Addresses["mail.client.test"] = [IPAddress.Parse("203.0.113.4"), Client];
        (await names.FindAsync(Client, "smtpd", Token)).ShouldBe(new ClientName("mail.client.test", "mail.client.test"));
        await names.FindAsync(Client, "smtpd", Token);
        dns.Asked.ShouldBe(2);
        time.Advance(TimeSpan.FromMinutes(2));
        await names.FindAsync(Client, "smtpd", Token);
        dns.Asked.ShouldBe(4);
    }

    [Fact]
    public async Task A_name_that_leads_elsewhere_is_warned_of_and_not_used()
    {
        var (names, dns, _, server) = Make();
        dns.Names[Client] = "bank.test";
        dns.Addresses["bank.test"] = [IPAddress.Parse("192.0.2.1")];
        (await names.FindAsync(Client, "smtpd", Token)).ShouldBe(new ClientName(null, "bank.test"));
        server.Log.ShouldBe(["warning: hostname bank.test does not resolve to address 203.0.113.5"]);
    }

    [Fact]
    public async Task A_name_that_does_not_exist_is_warned_of()
    {
        var (names, dns, _, server) = Make();
        dns.Names[Client] = "nowhere.test";
        (await names.FindAsync(Client, "smtpd", Token)).ShouldBe(new ClientName(null, "nowhere.test"));
        server.Log.ShouldBe(["warning: hostname nowhere.test does not resolve to address 203.0.113.5: Name or service not known"]);
    }

    [Fact]
    public async Task A_name_that_could_not_be_found_out_is_asked_for_again()
    {
        var (names, dns, _, server) = Make();
        dns.Names[Client] = "x.broken.test";
        (await names.FindAsync(Client, "smtpd", Token)).ShouldBe(new ClientName(null, "x.broken.test", IsUncertain: true));
        server.Log.ShouldBe(["warning: hostname x.broken.test does not resolve to address 203.0.113.5: Temporary failure in name resolution"]);
        dns.Addresses["x.broken.test"] = [Client];
        (await names.FindAsync(Client, "smtpd", Token)).ShouldBe(new ClientName("x.broken.test", "x.broken.test"));
        (await names.FindAsync(IPAddress.Parse("198.51.100.1"), "smtpd", Token)).ShouldBe(new ClientName(null, null, IsUncertain: true));
    }

    [Theory]
    [InlineData("evil name\r\n.test")]
    [InlineData("203.0.113.5")]
    [InlineData("(x).test")]
    public async Task What_is_no_host_name_is_not_taken_for_one(string name)
    {
        var (names, dns, _, _) = Make();
        dns.Names[Client] = name;
        dns.Addresses[name] = [Client];
        (await names.FindAsync(Client, "smtpd", Token)).ShouldBe(default);
    }

    private static (ClientNames Names, FakeDns Dns, ManualTime Time, SmtpdFixture Server) Make(string hosts = "")
    {
        var time = new ManualTime();
        var dns = new FakeDns();
        var server = new SmtpdFixture(time: time);
        return (new ClientNames(HostsFile.Parse(hosts), dns, server.Environment.Log, time), dns, time, server);
    }
}
