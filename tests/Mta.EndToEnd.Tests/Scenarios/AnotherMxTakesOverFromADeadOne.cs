using Mta.EndToEnd.Tests.Harness;
using Mta.Testing;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class AnotherMxTakesOverFromADeadOne
{
    [Fact]
    public async Task Another_mx_takes_over_from_a_dead_one()
    {
        var token = TestContext.Current.CancellationToken;
        await using var dns = await DnsServer.StartAsync(
            "fail-over.test. MX 10 dead.fail-over.test.",
            "fail-over.test. MX 20 alive.fail-over.test.",
            "dead.fail-over.test. A 127.0.0.2",
            "alive.fail-over.test. A 127.0.0.1");
        await using var sink = await SmtpSink.StartAsync(token);
        // Of the addresses only 127.0.0.1 has a listener on this port.
        await using var mta = await MtaInstance.StartAsync(
            token,
            $"{dns.MainCf}transport_maps = inline:{{ {{ fail-over.test = smtp:fail-over.test:{sink.Port} }} }}\nsmtp_host_lookup = dns\ninet_interfaces = 127.0.0.3",
            masterCf: "");
        await using var client = await mta.ConnectAsync(token);

        (await client.SendMailAsync("sender@client.test", ["a@fail-over.test"], TestMail.Make("fail-over", "x\n"), token)).ShouldStartWith("250 ");

        await mta.WaitForEmptyQueueAsync(token);
        sink.Messages().ShouldHaveSingleItem().Recipients.ShouldBe(["a@fail-over.test"]);
        await mta.WaitForLogAsync($"connect to dead.fail-over.test[127.0.0.2]:{sink.Port}: Connection refused", token);
        await mta.WaitForLogAsync($"to=<a@fail-over.test>, relay=alive.fail-over.test[127.0.0.1]:{sink.Port}, ", token);
    }
}
