using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Mta.EndToEnd.Tests.Harness;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class ServersOfTheDnsInSqlAreAskedWithinTwoSeconds
{
    [Fact]
    public async Task Servers_of_the_dns_in_sql_are_asked_within_two_seconds()
    {
        var token = TestContext.Current.CancellationToken;
        await using var dns = await DnsServer.StartAsync("9.0.0.127.in-addr.arpa. PTR late.test.", "late.test. A 127.0.0.9");
        await using var mta = await MtaInstance.StartAsync(token);
        await using var data = NpgsqlDataSource.Create(mta.DatabaseConnection);
        await using var change = data.CreateCommand($"SELECT mta.set_parameter('dns_servers', '127.0.0.1:{dns.Port.ToString(CultureInfo.InvariantCulture)}')");
        await change.ExecuteNonQueryAsync(token);

        var since = Stopwatch.GetTimestamp();
        await mta.WaitForLogAsync("parameters taken from SQL: dns_servers", token);
        Stopwatch.GetElapsedTime(since).ShouldBeLessThan(TimeSpan.FromSeconds(2));
        using var client = new TcpClient(new IPEndPoint(IPAddress.Parse("127.0.0.9"), 0));
        await client.ConnectAsync(IPAddress.Loopback, mta.SmtpPort, token);
        await mta.WaitForLogAsync("connect from late.test[127.0.0.9]", token);
    }
}
