using System.Buffers;
using System.Text;
using Mta.Core.Queue;
using Mta.Core.Showq;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Showq;

public sealed class PostcatTextTests
{
    private const string Content = "Subject: x\n\thello\n\nbody\n\nend\n";

    private static readonly QueueId Id = QueueId.Create(1_795_571_972_000_001, 16);

    private static readonly Envelope Envelope = new() { Id = Id, Sender = "a@example.com", Size = 246, RecipientCount = 2 };

    private static readonly Recipient[] Recipients =
    [
        new() { Number = 0, Address = "b@example.org", OriginalRecipient = "rfc822;b@example.org" },
        new() { Number = 1, Address = "e f@x.org", Original = "ef" },
    ];

    private static readonly string Records = $"""
        *** ENVELOPE RECORDS hold/{Id} ***
        message_size:             246               0               2               0             246               0
        message_arrival_time: Wed Nov 25 01:59:32 2026
        create_time: Wed Nov 25 01:59:32 2026
        named_attribute: rewrite_context=local
        sender: a@example.com
        named_attribute: dsn_orig_rcpt=rfc822;b@example.org
        original_recipient: b@example.org
        recipient: b@example.org
        original_recipient: ef
        recipient: "e f"@x.org
        *** MESSAGE CONTENTS hold/{Id} ***

        """;

    private static readonly string Trailer = $"*** HEADER EXTRACTED hold/{Id} ***\n*** MESSAGE FILE END hold/{Id} ***\n";

    [Fact]
    public void Prints_records_and_content_as_postfix_does()
    {
        Print(PostcatParts.All, Content.Length).ShouldBe(Records + Content + Trailer);
        Print(PostcatParts.Envelope, Content.Length).ShouldBe(Records + Trailer);
    }

    [Fact]
    public void Header_and_body_are_told_apart_at_every_cut()
    {
        for (var cut = 0; cut <= Content.Length; cut++)
        {
            Print(PostcatParts.Header, cut).ShouldBe("Subject: x\n\thello\n");
            Print(PostcatParts.Body, cut).ShouldBe("\nbody\n\nend\n");
            Print(PostcatParts.Header | PostcatParts.Body, cut).ShouldBe(Content);
        }
    }

    [Fact]
    public void Record_types_are_printed_as_numbers()
    {
        Print(PostcatParts.All, Content.Length, decimals: true).Split('\n').ShouldSatisfyAllConditions(
            l => l[1].ShouldStartWith(" 67 message_size:"),
            l => l.ShouldContain(" 82 recipient: b@example.org"),
            l => l.ShouldContain(" 78 Subject: x"),
            l => l[^2].ShouldStartWith(" 69 *** MESSAGE FILE END"));
    }

    private static string Print(PostcatParts parts, int cut, bool decimals = false)
    {
        var output = new ArrayBufferWriter<byte>();
        var text = new PostcatText(parts, decimals, TimeZoneInfo.Utc);
        text.Begin($"hold/{Id}", Envelope, Recipients, output);
        var bytes = Encoding.ASCII.GetBytes(Content);
        text.Content(bytes.AsSpan(0, cut), output);
        text.Content(bytes.AsSpan(cut), output);
        text.Finish($"hold/{Id}", output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
