using System.Text;
using Mta.Core.Delivery;
using Mta.Core.Queue;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Smtp;

[Collection(SmtpSinkTests.Memory)]
public sealed class SmtpChecksTests
{
    private const string Content = "Subject: one\n two\nX-Gone: x\nMime-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nX-P: p\n\nold\n--b--\n";

    /// <summary>Without those whose own header no empty line ends, or is above the limit: cleanup(8) has put that right before.</summary>
    public static TheoryData<string> Wellformed =>
        [.. SmtpContentTests.Messages.Select(m => m.Data).Except(["multipart-digest.eml", "feedback-report.eml", "issue358.eml", "stack-overflow.eml"])];

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(1000)]
    public async Task Fields_and_lines_change_however_the_content_is_cut(int size)
    {
        await using var server = new ScriptedServer();
        using var scenario = new SmtpScenario(
            """
            smtp_header_checks = regexp:{{/^Subject: one.*two/ PREPEND X-Seen: y} {/^X-Gone/ IGNORE}}
            smtp_mime_header_checks = regexp:{{/^X-P/ REPLACE X-P: new}}
            smtp_body_checks = regexp:{{/^old$$/ REPLACE new} {/^--b$$/ WARN boundary}}
            """);
        await scenario.DeliverAsync(server.Nexthop, InPieces(Encoding.ASCII.GetBytes(Content), size), EnvelopeFlags.None);
        server.Messages.ShouldBe([(
            "X-Seen: y\nSubject: one\n two\nMime-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nX-P: new\n\nnew\n--b--\n")
            .Replace("\n", "\r\n", StringComparison.Ordinal)]);
        scenario.Log.ShouldContain(l => l.EndsWith(": warning: body --b: boundary", StringComparison.Ordinal));
        scenario.Log.ShouldContain(l => l.EndsWith(": replace: header X-P: p: X-P: new", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Lmtp_has_checks_of_its_own_and_only_actions_of_a_client()
    {
        await using var server = new ScriptedServer { IsLmtp = true };
        using var scenario = new SmtpScenario("lmtp_header_checks = regexp:{{/^Subject/ REJECT no}}\nsmtp_header_checks = regexp:{{/./ IGNORE}}", lmtp: true);
        await scenario.DeliverAsync($"inet:127.0.0.1:{server.Port}", Content);
        server.Messages.ShouldBe([Content.Replace("\n", "\r\n", StringComparison.Ordinal)]);
        scenario.Log.ShouldContain("smtp: warning: unsupported command in lmtp_header_checks map: REJECT no");
    }

    [Theory]
    [InlineData("smtp_header_checks", "header")]
    [InlineData("smtp_nested_header_checks", null)]
    [InlineData("smtp_body_checks", "body")]
    public async Task A_table_that_fails_keeps_the_message_here(string parameter, string? where)
    {
        await using var server = new ScriptedServer();
        using var scenario = new SmtpScenario($"{parameter} = fail:broken");
        var status = await scenario.DeliverAsync(server.Nexthop, Content);
        if (where is null)
        {
            status.Action.ShouldBe(DeliveryAction.Sent);
            return;
        }

        (status.Action, status.Dsn, status.Text).ShouldBe(
            (DeliveryAction.Deferred, "4.3.0", $"local data error while talking to 127.0.0.1[127.0.0.1]"));
        server.Messages.ShouldBeEmpty();
        scenario.Log.ShouldContain($"smtp: warning: {scenario.QueueId}: smtp {where} checks lookup error");
    }

    [Theory]
    [MemberData(nameof(Wellformed))]
    public async Task A_message_that_no_rule_is_about_arrives_byte_for_byte(string file)
    {
        var text = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "mail", file), TestContext.Current.CancellationToken))
            .Replace("\r\n", "\n", StringComparison.Ordinal);
        var content = Encoding.Latin1.GetBytes(text.EndsWith('\n') ? text : text + "\n");
        await using var server = new ScriptedServer();
        using var scenario = new SmtpScenario(
            """
            smtp_line_length_limit = 0
            smtp_generic_maps = inline:{ {never@never.test=x@x.test} }
            smtp_header_checks = regexp:{{/^X-Never-There: at all$$/ IGNORE}}
            smtp_body_checks = regexp:{{/^this line is in no message$$/ IGNORE}}
            """);
        await scenario.DeliverAsync(server.Nexthop, InPieces(content, 777), EnvelopeFlags.EightBit);
        server.Messages.ShouldBe([Encoding.Latin1.GetString(content).Replace("\n", "\r\n", StringComparison.Ordinal)]);
    }

    private static PiecesContent InPieces(byte[] content, int size) =>
        new(content.Length, i => i * size < content.Length ? content[(i * size)..Math.Min(content.Length, (i + 1) * size)] : null);
}
