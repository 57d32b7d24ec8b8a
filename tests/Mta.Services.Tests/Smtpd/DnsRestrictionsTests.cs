using System.Net;
using System.Text;
using Mta.Services.Smtpd.Restrictions;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Smtpd;

/// <summary>What transcripts do not show of the restrictions that ask the DNS: how often they ask, and what a bad configuration does.</summary>
public sealed class DnsRestrictionsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("192.0.2.1", "1.2.0.192")]
    [InlineData("2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2")]
    public void Lists_are_asked_for_an_address_from_its_end(string address, string name) =>
        BlockLists.Reversed(IPAddress.Parse(address)).ShouldBe(name);

    [Fact]
    public async Task One_question_is_asked_once_a_session_and_a_failed_one_once_a_message()
    {
        using var server = new SmtpdFixture(
            "smtpd_client_restrictions = reject_rbl_client rbl.test, reject_rbl_client rbl.broken.test",
            dns: ["other.rbl.test A 127.0.0.2"]);
        await RunAsync(server, "HELO x", "MAIL FROM:<a@a.test>", "RCPT TO:<alice@example.test>", "RCPT TO:<bob@mailbox.test>", "RCPT TO:<info@alias.test>");
        server.Dns.Asked.ShouldBe(2);
        server.Log.Count(l => l.Contains("RBL lookup error", StringComparison.Ordinal)).ShouldBe(1);
        await RunAsync(
            server, "HELO x", "MAIL FROM:<a@a.test>", "RCPT TO:<alice@example.test>", "RSET", "MAIL FROM:<a@a.test>", "RCPT TO:<alice@example.test>");
        server.Dns.Asked.ShouldBe(2 + 3);
    }

    [Fact]
    public async Task A_client_of_ipv6_is_looked_for_in_lists()
    {
        using var server = new SmtpdFixture(
            "smtpd_client_restrictions = reject_rbl_client rbl.test",
            dns: ["1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.rbl.test A 127.0.0.2"]);
        var client = await server.RunAsync(Bytes("HELO x", "MAIL FROM:<a@a.test>", "RCPT TO:<alice@example.test>"), "2001:db8::1", cancellationToken: Token);
        client.AllSent.ShouldContain("554 5.7.1 Service unavailable; Client host [2001:db8::1] blocked using rbl.test\r\n");
    }

    [Theory]
    [InlineData("smtpd_client_restrictions = reject_rbl_client rbl.test=127.0.0.x", "RBL reply error: need decimal number 0..255 or \"[\" at \"127.0.0.>x<\"")]
    [InlineData("smtpd_client_restrictions = reject_rbl_client rbl.test\ndefault_rbl_reply = $rbl_code $nonsense", "unknown macro name \"nonsense\" in expansion request")]
    [InlineData("smtpd_client_restrictions = reject_rbl_client rbl.test\nrbl_reply_maps = fail:x", "fail:x lookup error for \"")]
    public async Task What_cannot_be_used_defers(string mainCf, string warning)
    {
        using var server = new SmtpdFixture(mainCf, dns: ["5.113.0.203.rbl.test A 127.0.0.2"]);
        (await RunAsync(server, "HELO x", "MAIL FROM:<a@a.test>", "RCPT TO:<alice@example.test>"))
            .ShouldContain("451 4.3.5 Server configuration error\r\n");
        server.Log.ShouldContain(l => l.StartsWith("warning: " + warning, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("abc.", "good [x]\u00e9", "__________")]
    [InlineData("\\40\\t\\\\x[", "a x\\[\t]", "_ x\\[\t_")]
    public void What_the_filter_does_not_name_becomes_an_underscore(string filter, string value, string expected) =>
        new ExpansionFilter(filter).Apply(value).ShouldBe(expected);

    private static async Task<string> RunAsync(SmtpdFixture server, params string[] commands) =>
        (await server.RunAsync(Bytes(commands), cancellationToken: Token)).AllSent;

    private static IEnumerable<byte[]> Bytes(params string[] commands) => commands.Select(c => Encoding.ASCII.GetBytes(c + "\r\n"));
}
