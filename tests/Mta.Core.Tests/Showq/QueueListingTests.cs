using System.Buffers;
using System.Text;
using Mta.Core.Queue;
using Mta.Core.Showq;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Showq;

public sealed class QueueListingTests
{
    private const string Refused = "connect to 127.0.0.1[127.0.0.1]:1: Connection refused";

    private static readonly QueueId First = QueueId.Create(1_795_571_972_000_001, 16);
    private static readonly QueueId Second = QueueId.Create(1_794_000_000_000_002, 17);

    [Fact]
    public void Text_is_what_postfix_prints_for_long_ids()
    {
        List(new MailqText(TimeZoneInfo.Utc)).ShouldBe($"""
            ----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------
            {First}        255 Wed Nov 25 01:59:32 MAILER-DAEMON
                                   ({Refused})
                                                           b@example.org

            {Second}!   1048576 Fri Nov  6 21:20:00 a@example.com
                                                           c@example.org
                                   ({Refused})
                                                           b@example.org
                                                           "e f"@x.org
                                                                      (reason unavailable)
                                                           d@example.org

            -- 1024 Kbytes in 2 Requests.

            """);
    }

    [Fact]
    public void Json_is_what_postfix_prints()
    {
        List(new MailqJson()).ShouldBe($$"""
            {"queue_name": "deferred", "queue_id": "{{First}}", "arrival_time": 1795571972, "message_size": 255, "forced_expire": false, "sender": "MAILER-DAEMON", "recipients": [{"address": "b@example.org", "delay_reason": "{{Refused}}"}]}
            {"queue_name": "hold", "queue_id": "{{Second}}", "arrival_time": 1794000000, "message_size": 1048576, "forced_expire": false, "sender": "a@example.com", "recipients": [{"address": "c@example.org"}, {"address": "b@example.org", "delay_reason": "{{Refused}}"}, {"address": "\"e f\"@x.org", "delay_reason": "{{Refused}}"}, {"orig_address": "x@example.org", "address": "d@example.org"}], "node": "one"}

            """);
    }

    [Fact]
    public void Empty_queue_says_so()
    {
        var output = new ArrayBufferWriter<byte>();
        new MailqText(TimeZoneInfo.Utc).End(output);
        Encoding.UTF8.GetString(output.WrittenSpan).ShouldBe("Mail queue is empty\n");
        output.Clear();
        new MailqJson().End(output);
        output.WrittenCount.ShouldBe(0);
    }

    [Fact]
    public void Controls_are_never_printed()
    {
        var output = new ArrayBufferWriter<byte>();
        var listing = new MailqJson();
        listing.Message(new ListedMessage { Queue = "active", Id = First, Size = 1, Sender = "a\u001b\"b\\" }, output);
        listing.Recipient("b", null, "x\ny", output);
        listing.End(output);
        var text = Encoding.UTF8.GetString(output.WrittenSpan);
        text.ShouldContain("\"delay_reason\": \"x?y\"");
        text.ShouldNotContain('\u001b');
        System.Text.Json.JsonDocument.Parse(text).RootElement.GetProperty("recipients").GetArrayLength().ShouldBe(1);
    }

    private static string List(IQueueListing listing)
    {
        var output = new ArrayBufferWriter<byte>();
        listing.Message(new ListedMessage { Queue = "deferred", Id = First, Size = 255, Sender = "" }, output);
        listing.Recipient("b@example.org", null, Refused, output);
        listing.Message(new ListedMessage { Queue = "hold", Id = Second, Size = 1048576, Sender = "a@example.com", Node = "one" }, output);
        listing.Recipient("c@example.org", null, null, output);
        listing.Recipient("b@example.org", null, Refused, output);
        listing.Recipient("e f@x.org", null, Refused, output);
        listing.Recipient("d@example.org", "x@example.org", "", output);
        listing.End(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
