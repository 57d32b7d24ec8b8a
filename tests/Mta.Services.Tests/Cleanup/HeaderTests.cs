using Mta.Services.Clients;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Cleanup;

/// <summary>Content in, content out: what Postfix 3.7's cleanup makes of a message from a local client and from a remote one.</summary>
public sealed class HeaderTests
{
    [Theory]
    [InlineData("\nbody\n",
        "Message-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nbody\n",
        "\nbody\n")]
    [InlineData("",
        "Message-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n",
        "")]
    [InlineData("\n",
        "Message-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\n",
        "\n")]
    [InlineData("body\n",
        "Message-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nbody\n",
        "\nbody\n")]
    [InlineData("Subject: x\nno colon here\nmore\n",
        "Subject: x\nMessage-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nno colon here\nmore\n",
        "Subject: x\n\nno colon here\nmore\n")]
    [InlineData("Subject : x\n\nb\n",
        "Subject: x\nMessage-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nb\n",
        "Subject: x\n\nb\n")]
    [InlineData("Sübject: x\n\nb\n",
        "Message-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nSübject: x\n\nb\n",
        "\nSübject: x\n\nb\n")]
    [InlineData("Sub ject: x\n\nb\n",
        "Message-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nSub ject: x\n\nb\n",
        "\nSub ject: x\n\nb\n")]
    [InlineData(": x\n\nb\n",
        "Message-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\n: x\n\nb\n",
        "\n: x\n\nb\n")]
    [InlineData("\u0001a: x\n\nb\n",
        "Message-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\n\u0001a: x\n\nb\n",
        "\n\u0001a: x\n\nb\n")]
    [InlineData("Subject: x\n\n>From me\nFrom x\n",
        "Subject: x\nMessage-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\n>From me\nFrom x\n",
        "Subject: x\n\n>From me\nFrom x\n")]
    [InlineData("Subject: x\rfoo\n\nbo\rdy\nx\ny\n",
        "Subject: x foo\nMessage-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nbo dy\nx\ny\n",
        "Subject: x foo\n\nbo dy\nx\ny\n")]
    [InlineData("Subject: x\n",
        "Subject: x\nMessage-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n",
        "Subject: x\n")]
    [InlineData("Subject: x",
        "Subject: x\nMessage-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n",
        "Subject: x\n")]
    [InlineData("Subject: x\n\t\n foo\n\nb\n",
        "Subject: x\n\t\n foo\nMessage-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nb\n",
        "Subject: x\n\t\n foo\n\nb\n")]
    [InlineData("Subject:\n\nb\n",
        "Subject:\nMessage-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nb\n",
        "Subject:\n\nb\n")]
    [InlineData("Subject: x\n \nFoo: bar\n\nb\n",
        "Subject: x\n \nFoo: bar\nMessage-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nb\n",
        "Subject: x\n \nFoo: bar\n\nb\n")]
    [InlineData("Message-Id: <a>\nMESSAGE-ID: <b>\n\nb\n",
        "Message-Id: <a>\nMESSAGE-ID: <b>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nb\n",
        "Message-Id: <a>\nMESSAGE-ID: <b>\n\nb\n")]
    [InlineData("Message-Id:\n <folded@x>\n\nb\n",
        "Message-Id:\n <folded@x>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nb\n",
        "Message-Id:\n <folded@x>\n\nb\n")]
    [InlineData("message-id:  foo  bar  \n\nb\n",
        "message-id:  foo  bar  \nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nb\n",
        "message-id:  foo  bar  \n\nb\n")]
    [InlineData("Message-Id: \n\nb\n",
        "Message-Id: \nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nb\n",
        "Message-Id: \n\nb\n")]
    [InlineData("Resent-From: a\nResent-Date: d\nResent-Message-Id: <r>\n\nb\n",
        "Resent-From: a@mx.example.org\nResent-Date: d\nResent-Message-Id: <r>\n\nb\n",
        "Resent-From: a\nResent-Date: d\nResent-Message-Id: <r>\n\nb\n")]
    [InlineData("To: a\nCc: b\n\nx\n",
        "To: a@mx.example.org\nCc: b@mx.example.org\nMessage-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nx\n",
        "To: a\nCc: b\n\nx\n")]
    [InlineData("Cc: b\n\nx\n",
        "Cc: b@mx.example.org\nMessage-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nx\n",
        "Cc: b\n\nx\n")]
    [InlineData("Bcc: b\n c\nX: y\n\nx\n",
        "X: y\nMessage-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nx\n",
        "X: y\n\nx\n")]
    [InlineData("Date: \nFrom:\nTo:\n\nx\n",
        "Date: \nFrom:\nTo:\nMessage-Id: <QID@mx.example.org>\n\nx\n",
        "Date: \nFrom:\nTo:\n\nx\n")]
    [InlineData("Bcc : b\n\nx\n",
        "Message-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nx\n",
        "\nx\n")]
    [InlineData("X: a\0b\n\nx\0y\n",
        "X: a\nMessage-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nx\0y\n",
        "X: a\n\nx\0y\n")]
    [InlineData("X: y\n\n.\n..\n",
        "X: y\nMessage-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\n.\n..\n",
        "X: y\n\n.\n..\n")]
    [InlineData("X: y\n   \n\nb\n",
        "X: y\n   \nMessage-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nb\n",
        "X: y\n   \n\nb\n")]
    [InlineData("TO: foo, x@y.z\nDate:d\n\nb\n",
        "TO: foo@mx.example.org, x@y.z\nDate:d\nMessage-Id: <QID@mx.example.org>\nFrom: s@x.example\n\nb\n",
        "TO: foo, x@y.z\nDate:d\n\nb\n")]
    [InlineData("Resent-To: a@b.c\nFrom: x@y.z\nMessage-Id: <q>\n\nb\n",
        "Resent-To: a@b.c\nFrom: x@y.z\nMessage-Id: <q>\nResent-Message-Id: <QID@mx.example.org>\nResent-Date: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nResent-From: s@x.example\n\nb\n",
        "Resent-To: a@b.c\nFrom: x@y.z\nMessage-Id: <q>\n\nb\n")]
    [InlineData("Sender:  a@b.c  \nReply-To: (x)\n\n",
        "Sender:  a@b.c  \nReply-To: (x)\nMessage-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\n",
        "Sender:  a@b.c  \nReply-To: (x)\n\n")]
    [InlineData("Content-Length: 5\nCONTENT-LENGTH : 6\nReturn-Path: <x>\n\nb\n",
        "Message-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\nb\n",
        "\nb\n")]
    [InlineData("Subject: x\n\n\n\nb\n\n",
        "Subject: x\nMessage-Id: <QID@mx.example.org>\nDate: Thu,  5 Nov 2026 01:02:03 +0000 (UTC)\nFrom: s@x.example\n\n\n\nb\n\n",
        "Subject: x\n\n\n\nb\n\n")]
    public async Task Passes_as_in_Postfix(string content, string fromLocalClient, string fromRemoteClient)
    {
        (await new CleanupTestBed().PassAsync(content)).ShouldBe(fromLocalClient);
        (await new CleanupTestBed().PassAsync(content, local: false)).ShouldBe(fromRemoteClient);
        (await new CleanupTestBed().PassAsync(content, cut: 1)).ShouldBe(fromLocalClient);
        (await new CleanupTestBed().PassAsync(content, local: false, cut: 1)).ShouldBe(fromRemoteClient);
    }

    [Theory]
    [InlineData(48, CleanupOutcome.Queued)]
    [InlineData(49, CleanupOutcome.TooManyHops)]
    public async Task Received_headers_are_counted_with_our_own(int count, CleanupOutcome expected)
    {
        var bed = new CleanupTestBed();
        var content = string.Concat(Enumerable.Repeat("Received: x\n", count)) + "\nb\n";
        (await bed.SendAsync(content, prepend: ["Received: from a\n\tby b"])).Outcome.ShouldBe(expected);
        if (expected == CleanupOutcome.TooManyHops)
        {
            bed.LogLines.ShouldContain("cleanup: warning: QID: message rejected: hopcount exceeded");
        }
    }

    [Fact]
    public async Task Our_own_header_comes_first()
    {
        var bed = new CleanupTestBed();
        await bed.SendAsync("Subject: x\n\nb\n", local: false, prepend: ["Received: from a\n\tby b", "X-Y: z"]);
        bed.Intake.LastContent.ShouldBe("Received: from a\n\tby b\nX-Y: z\nSubject: x\n\nb\n");
    }

    [Theory]
    [InlineData("Message-Id: <a>\nMESSAGE-ID: <b>\n\nb\n", "<a>", new[] { "message-id=<a>", "message-id=<b>" })]
    [InlineData("Message-Id:\n <folded@x>\n\nb\n", "<folded@x>", new[] { "message-id=<folded@x>" })]
    [InlineData("message-id:  foo  bar  \n\nb\n", "foo  bar  ", new[] { "message-id=foo  bar  " })]
    [InlineData("Resent-Message-Id: <r>\n\nb\n", null, new[] { "resent-message-id=<r>", "message-id=<>" })]
    [InlineData("\nb\n", null, new[] { "message-id=<>" })]
    public async Task Message_ids_are_logged(string content, string? messageId, string[] logged)
    {
        var bed = new CleanupTestBed();
        await bed.PassAsync(content, local: false);
        bed.LogLines.ShouldBe(logged.Select(l => $"cleanup: QID: {l}"));
        bed.Intake.LastMessage!.Envelope.MessageId.ShouldBe(messageId);
    }

    [Fact]
    public async Task A_message_id_of_ours_is_logged()
    {
        var bed = new CleanupTestBed();
        await bed.PassAsync("\nb\n");
        bed.LogLines.ShouldBe(["cleanup: QID: message-id=<QID@mx.example.org>"]);
    }

    [Theory]
    [InlineData("message_drop_headers = x-foo, Subject", "To: a@b.c\nX-Foo: 1\nsubject: x\nBcc: d\n\nb\n", "To: a@b.c\nBcc: d\n\nb\n")]
    [InlineData("message_drop_headers =", "Bcc: d\n\nb\n", "Bcc: d\n\nb\n")]
    [InlineData("cleanup_replace_stray_cr_lf = no", "A: b\rc\n\nd\re\n", "A: b\rc\n\nd\re\n")]
    [InlineData("header_size_limit = 10", "Subject: 1234567\n 89\nTo: a\n\nb\n", "Subject: 1\nTo: a\n\nb\n")]
    [InlineData("header_size_limit = 10", "Subject:1\n 2345\nTo: a\n\nb\n", "Subject:1\nTo: a\n\nb\n")]
    [InlineData("header_size_limit = 10", "A: 1\n 2345678\n 9\nTo: a\n\nb\n", "A: 1\n 2345\nTo: a\n\nb\n")]
    [InlineData("header_size_limit = 10", "A-much-too-long-name: x\n\nb\n", "\nA-much-too-long-name: x\n\nb\n")]
    [InlineData("header_size_limit = 10", "no header and no line end at all", "\nno header and no line end at all\n")]
    [InlineData("always_add_missing_headers = yes\nundisclosed_recipients_header = To: undisclosed-recipients:;", "Date: d\nFrom: f\n\nb\n",
        "Date: d\nFrom: f\nMessage-Id: <QID@mx.example.org>\nTo: undisclosed-recipients:;\n\nb\n")]
    [InlineData("remote_header_rewrite_domain = d.invalid", "Date: d\nFrom: f\nMessage-Id: <x>\n\nb\n", "Date: d\nFrom: f@d.invalid\nMessage-Id: <x>\n\nb\n")]
    public async Task Follows_the_configuration(string changes, string content, string expected)
    {
        foreach (var cut in new[] { int.MaxValue, 1, 2, 3, 7, 13 })
        {
            (await new CleanupTestBed(changes).PassAsync(content, local: false, cut)).ShouldBe(expected, $"cut every {cut} bytes");
        }
    }

    [Theory]
    [InlineData(null, "s@x.example", "From: s@x.example\n")]
    [InlineData("Foo Bar", "s@x.example", "From: Foo Bar <s@x.example>\n")]
    [InlineData("Foo, \"Bar\"", "s@x.example", "From: \"Foo, \\\"Bar\\\"\" <s@x.example>\n")]
    [InlineData("Jörg", "s", "From: =?utf-8?B?SsO2cmc=?= <s@mx.example.org>\n")]
    [InlineData(null, "", "From: MAILER-DAEMON\n")]
    public async Task A_missing_From_is_made_of_the_sender(string? fullName, string sender, string expected)
    {
        var bed = new CleanupTestBed();
        await using var message = bed.Begin(new CleanupRequest { Sender = sender, LocalContext = true, FullName = fullName });
        message.AddRecipient("r@x.example");
        message.Append("Message-Id: <x>\nDate: d\n\nb\n"u8);
        await message.FinishAsync(TestContext.Current.CancellationToken);
        bed.Intake.LastContent.ShouldBe($"Message-Id: <x>\nDate: d\n{expected}\nb\n");
    }
}
