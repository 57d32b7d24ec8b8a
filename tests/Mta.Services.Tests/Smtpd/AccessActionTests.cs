using System.Text;
using Mta.Services.Clients;
using Mta.Services.Smtpd;
using Mta.Storage.Queue;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Smtpd;

/// <summary>Actions of access tables that are about the message: what cleanup hears of them, and for which transaction.</summary>
public sealed class AccessActionTests
{
    private const string Table =
        "smtpd_sender_restrictions = check_sender_access inline:{ {hold@a.test = HOLD}, {discard@a.test = DISCARD}, {filter@a.test = FILTER smtp:[192.0.2.1]:10025}, "
        + "{redirect@a.test = REDIRECT else@where.test}, {bcc@a.test = BCC copy@where.test}, {prepend@a.test = PREPEND X-One: 1} }";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("hold")]
    [InlineData("discard")]
    [InlineData("filter")]
    [InlineData("redirect")]
    [InlineData("bcc")]
    [InlineData("prepend")]
    public async Task An_action_reaches_cleanup_for_its_transaction_only(string action)
    {
        using var server = new SmtpdFixture(Table);
        await server.RunAsync(
            [
                Bytes("EHLO client.test\r\n"),
                .. Mail($"{action}@a.test"),
                .. Mail("plain@a.test"),
                Bytes($"MAIL FROM:<{action}@a.test>\r\nRCPT TO:<alice@example.test>\r\nRSET\r\n"),
                .. Mail("plain@a.test"),
                Bytes($"MAIL FROM:<{action}@a.test>\r\nRCPT TO:<alice@example.test>\r\n"),
                Bytes("EHLO client.test\r\n"),
                .. Mail("plain@a.test"),
            ],
            cancellationToken: Token);
        server.Cleanup.Queued.Count.ShouldBe(4);
        var message = server.Cleanup.Queued[0];
        message.Actions.Hold.ShouldBe(action == "hold" ? HoldReason.Access : HoldReason.None);
        message.Actions.Discard.ShouldBe(action == "discard");
        message.Actions.Filter.ShouldBe(action == "filter" ? "smtp:[192.0.2.1]:10025" : null);
        message.Actions.Redirect.ShouldBe(action == "redirect" ? "else@where.test" : null);
        message.Actions.Bcc.ShouldBe(action == "bcc" ? ["copy@where.test"] : null);
        message.Headers.Count.ShouldBe(action == "prepend" ? 2 : 1);
        message.Headers[0].ShouldStartWith(action == "prepend" ? "X-One: 1" : "Received: ");
        foreach (var other in server.Cleanup.Queued.Skip(1))
        {
            ShouldBeUntouched(other.Actions);
            other.Headers.ShouldHaveSingleItem().ShouldStartWith("Received: ");
        }
    }

    [Fact]
    public async Task The_last_filter_and_redirection_count_and_copies_and_headers_add_up()
    {
        using var server = new SmtpdFixture(
            """
            smtpd_client_restrictions = check_client_access static:{FILTER smtp:one}, check_client_access static:{REDIRECT one@where.test},
                check_client_access static:{BCC one@where.test}, check_client_access static:{PREPEND X-One: 1}
            smtpd_recipient_restrictions = check_recipient_access static:{FILTER smtp:two}, check_recipient_access static:{REDIRECT two@where.test},
                check_recipient_access static:{PREPEND X-Two: 2}
            smtpd_end_of_data_restrictions = check_client_access static:{BCC two@where.test}, check_client_access static:{FILTER smtp:three}
            """);
        await server.RunAsync([Bytes("EHLO client.test\r\n"), .. Mail("s@a.test")], cancellationToken: Token);
        var message = server.Cleanup.Queued.ShouldHaveSingleItem();
        message.Actions.Filter.ShouldBe("smtp:three");
        message.Actions.Redirect.ShouldBe("two@where.test");
        message.Actions.Bcc.ShouldBe(["one@where.test", "two@where.test"]);
        message.Headers.Take(2).ShouldBe(["X-One: 1", "X-Two: 2"]);
    }

    [Fact]
    public async Task What_a_refused_recipient_triggered_is_done_all_the_same()
    {
        using var server = new SmtpdFixture(
            "smtpd_recipient_restrictions = check_recipient_access inline:{ {carol@relay.test = HOLD} }, check_recipient_access inline:{ {carol@relay.test = REJECT} }");
        await server.RunAsync(
            [
                Bytes("EHLO client.test\r\n"), Bytes("MAIL FROM:<s@a.test>\r\nRCPT TO:<carol@relay.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n"),
                Bytes("x\r\n.\r\n"),
            ],
            cancellationToken: Token);
        server.Cleanup.Queued.ShouldHaveSingleItem().Actions.Hold.ShouldBe(HoldReason.Access);
    }

    [Fact]
    public async Task With_BDAT_the_same_is_done()
    {
        using var server = new SmtpdFixture(
            "smtpd_data_restrictions = check_client_access static:{PREPEND X-One: 1}\nsmtpd_end_of_data_restrictions = check_client_access static:HOLD");
        await server.RunAsync(
            [Bytes("EHLO client.test\r\n"), Bytes("MAIL FROM:<s@a.test>\r\nRCPT TO:<alice@example.test>\r\n"), Bytes("BDAT 3\r\na\r\nBDAT 3 LAST\r\nb\r\n")],
            cancellationToken: Token);
        var message = server.Cleanup.Queued.ShouldHaveSingleItem();
        message.Headers[0].ShouldBe("X-One: 1");
        message.Actions.Hold.ShouldBe(HoldReason.Access);
    }

    [Theory]
    [InlineData("smtpd_sender_restrictions = no_such", "smtpd_sender_restrictions: restriction \"no_such\" is not implemented in this version")]
    [InlineData("smtpd_sender_restrictions = sleep x", "smtpd_sender_restrictions: restriction sleep must be followed by number")]
    [InlineData("smtpd_etrn_restrictions = check_etrn_access", "smtpd_etrn_restrictions: restriction \"check_etrn_access\" requires a table (type:name) as its argument")]
    [InlineData("smtpd_restriction_classes = own", "smtpd_restriction_classes: restriction class `own' needs a definition")]
    [InlineData("smtpd_restriction_classes = own\nown = no_such\nsmtpd_helo_restrictions = own", "own: restriction \"no_such\" is not implemented in this version")]
    [InlineData(
        "smtpd_data_restrictions = static:OK",
        "smtpd_data_restrictions: specify one of (check_client_access, check_reverse_client_hostname_access, check_helo_access, check_sender_access, "
        + "check_recipient_access, check_etrn_access) before Data command restriction \"static:OK\"")]
    [InlineData(
        "smtpd_relay_restrictions =\nsmtpd_recipient_restrictions = permit, reject",
        "in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one working instance of: "
        + "reject_unauth_destination, defer_unauth_destination, reject, defer, defer_if_permit or check_relay_domains")]
    public void A_list_that_makes_no_sense_is_refused(string mainCf, string problem)
    {
        using var server = new SmtpdFixture(mainCf);
        Should.Throw<SmtpdConfigException>(server.Config).Message.ShouldBe(problem);
    }

    [Fact]
    public void A_class_may_guard_the_relay_and_name_itself()
    {
        using var server = new SmtpdFixture(
            "smtpd_relay_restrictions =\nsmtpd_restriction_classes = own other\nown = other\nother = own, reject_unauth_destination\nsmtpd_recipient_restrictions = own");
        server.Config();
    }

    private static byte[][] Mail(string sender) =>
        [Bytes($"MAIL FROM:<{sender}>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n"), Bytes("Subject: x\r\n\r\ntext\r\n.\r\n")];

    private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);

    private static void ShouldBeUntouched(MessageActions actions)
    {
        actions.Hold.ShouldBe(HoldReason.None);
        actions.Discard.ShouldBeFalse();
        actions.Filter.ShouldBeNull();
        actions.Redirect.ShouldBeNull();
        actions.Bcc.ShouldBeNull();
    }
}
