using System.Text;
using Mta.Core.Delivery;
using Mta.Core.Queue;
using MimeKit;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Smtp;

public sealed class SmtpContentTests
{
    public static TheoryData<string> Messages => [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "mail"), "*.eml").Select(path => Path.GetFileName(path))];

    [Theory]
    [MemberData(nameof(Messages))]
    public async Task A_message_arrives_byte_for_byte(string file)
    {
        var content = await ReadAsync(file);
        await using var server = new ScriptedServer();
        using var scenario = new SmtpScenario("smtp_line_length_limit = 0");
        await scenario.DeliverAsync(server.Nexthop, new BytesContent(content), EnvelopeFlags.EightBit);
        await scenario.DeliverAsync(server.Nexthop, InPieces(content, 1000), EnvelopeFlags.EightBit);
        server.Commands.ShouldContain($"MAIL FROM:<sender@y.test> SIZE={content.Length} BODY=8BITMIME");
        var expected = Encoding.Latin1.GetString(content).Replace("\n", "\r\n", StringComparison.Ordinal);
        server.Messages.ShouldBe([expected, expected]);
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public async Task A_server_without_8BITMIME_gets_the_same_parts_in_7_bits(string file)
    {
        var content = await ReadAsync(file);
        await using var server = new ScriptedServer { Extensions = ["PIPELINING"] };
        using var scenario = new SmtpScenario("smtp_line_length_limit = 0");
        await scenario.DeliverAsync(server.Nexthop, new BytesContent(content), EnvelopeFlags.EightBit);
        await scenario.DeliverAsync(server.Nexthop, InPieces(content, 997), EnvelopeFlags.EightBit);
        server.Commands.ShouldContain("MAIL FROM:<sender@y.test>");
        var received = server.Messages.ToArray();
        received[1].ShouldBe(received[0]);
        Parts(received[0].Replace("\r\n", "\n", StringComparison.Ordinal)).ShouldBe(Parts(Encoding.Latin1.GetString(content)));
    }

    [Fact]
    public async Task Conversion_can_be_turned_off()
    {
        const string content = "Content-Transfer-Encoding: 8bit\n\n\u00e4\n";
        await using var server = new ScriptedServer { Extensions = [] };
        using var scenario = new SmtpScenario("disable_mime_output_conversion = yes");
        await scenario.DeliverAsync(server.Nexthop, content, EnvelopeFlags.EightBit);
        server.Messages.ShouldBe([Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(content)).Replace("\n", "\r\n", StringComparison.Ordinal)]);
    }

    [Fact]
    public async Task Fifty_megabytes_are_not_held_in_memory()
    {
        const int lines = 512 * 1024;
        var line = Encoding.ASCII.GetBytes(new string('.', 99) + "\n");
        var block = Enumerable.Repeat(line, 1024).SelectMany(b => b).ToArray();
        await using var server = new ScriptedServer { Extensions = ["PIPELINING", "SIZE 100000000"] };
        using var scenario = new SmtpScenario();
        var content = new PiecesContent(lines * 100L, i => i < lines / 1024 ? block : null);
        var status = await scenario.DeliverAsync(server.Nexthop, content, EnvelopeFlags.None);
        status.Action.ShouldBe(DeliveryAction.Sent);
        server.Messages.ShouldHaveSingleItem().Length.ShouldBe(lines * 101);
    }

    private static PiecesContent InPieces(byte[] content, int size) =>
        new(content.Length, i => i * size < content.Length ? content[(i * size)..Math.Min(content.Length, (i + 1) * size)] : null);

    /// <summary>With LF ends and an end of the last line, as content is in the queue.</summary>
    private static async Task<byte[]> ReadAsync(string file)
    {
        var bytes = await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "mail", file), TestContext.Current.CancellationToken);
        var text = Encoding.Latin1.GetString(bytes).Replace("\r\n", "\n", StringComparison.Ordinal);
        return Encoding.Latin1.GetBytes(text.EndsWith('\n') ? text : text + "\n");
    }

    private static List<string> Parts(string content)
    {
        using var stream = new MemoryStream(Encoding.Latin1.GetBytes(content));
        return [.. MimeMessage.Load(stream).BodyParts.OfType<MimePart>().Select(part =>
        {
            using var decoded = new MemoryStream();
            part.Content?.DecodeTo(decoded);
            return part.ContentType.MimeType + " " + Convert.ToHexString(decoded.ToArray());
        })];
    }
}
