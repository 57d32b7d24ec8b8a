using System.Text;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Cleanup;

/// <summary>The way of the content into memory or the store.</summary>
public sealed class ContentTests
{
    private static readonly string[] Alphabet = ["\n", "\n", "\n ", ":", " ", "\t", "\r", "\0", "a", "Subject: x", "To: foo", "Bcc: b", "Received: r", "\u00fc", "longer text of a line"];

    [Theory]
    [InlineData("a: b\n\nbody", "a: b\n\nbody\n")]
    [InlineData("a: b", "a: b\n")]
    [InlineData("", "")]
    public async Task Every_line_has_an_end(string content, string expected) =>
        (await new CleanupTestBed().PassAsync(content, local: false)).ShouldBe(expected);

    [Fact]
    public async Task Large_content_flows_into_the_store()
    {
        const int lines = 2000;
        var content = "Subject: x\n\n" + string.Concat(Enumerable.Range(0, lines).Select(i => $"line {i} of the body is here\n"));
        foreach (var cut in new[] { 999, 5000, 100_000 })
        {
            var bed = new CleanupTestBed("queue_chunk_size = 16384");
            (await bed.SendAsync(content, local: false, cut: cut, prepend: ["Received: r"])).Outcome.ShouldBe(CleanupOutcome.Queued);
            bed.Intake.LastContent.ShouldBe("Received: r\n" + content);
            bed.Intake.LastMessage!.StoredChunks.ShouldBe(content.Length / 16384);
            bed.Intake.LastMessage.Content.Length.ShouldBeLessThan(16384);
            bed.Intake.LastMessage.Envelope.Size.ShouldBe(content.Length + "Received: r\n".Length);
        }
    }

    [Fact]
    public async Task A_store_that_fails_refuses_the_message_for_now()
    {
        var intake = new MemoryIntake { FailingChunk = 1 };
        var bed = new CleanupTestBed("queue_chunk_size = 16384", intake);
        var result = await bed.SendAsync("a: b\n\n" + new string('x', 100_000), cut: 10_000);
        result.Outcome.ShouldBe(CleanupOutcome.WriteError);
        intake.ChunksInStore.ShouldBe(0);
        intake.LastMessage.ShouldBeNull();
    }

    [Fact]
    public async Task Chunks_go_when_the_message_is_refused_or_given_up()
    {
        var refusing = new MemoryIntake { Answer = new CleanupResult(CleanupOutcome.NoSpace) };
        var bed = new CleanupTestBed("queue_chunk_size = 16384", refusing);
        (await bed.SendAsync("a: b\n\n" + new string('x', 100_000), cut: 10_000)).Outcome.ShouldBe(CleanupOutcome.NoSpace);
        refusing.ChunksInStore.ShouldBe(0);

        bed = new CleanupTestBed("queue_chunk_size = 16384");
        await using (var message = bed.Begin(new CleanupRequest { Sender = "s@x.example" }))
        {
            message.Append("\n"u8);
            message.Append(new byte[20_000]);
            await message.FlushAsync(TestContext.Current.CancellationToken);
            bed.Intake.ChunksInStore.ShouldBe(1);
        }

        bed.Intake.ChunksInStore.ShouldBe(0);
        bed.LogLines.ShouldContain("cleanup: QID: canceled");
    }

    [Theory]
    [InlineData(99, CleanupOutcome.Queued)]
    [InlineData(100, CleanupOutcome.Queued)]
    [InlineData(101, CleanupOutcome.TooBig)]
    public async Task Size_is_limited(int size, CleanupOutcome expected) =>
        (await new CleanupTestBed("message_size_limit = 100").SendAsync(new string('x', size - 1) + "\n", cut: 7)).Outcome.ShouldBe(expected);

    [Theory]
    [InlineData("a: b\n\nplain\n", false)]
    [InlineData("a: b\n\n\u00fc\n", true)]
    [InlineData("a: \u00fc\n\nplain\n", true)]
    [InlineData("Content-Transfer-Encoding: 8bit\n\nplain\n", true)]
    [InlineData("Content-Transfer-Encoding: 7bit\n\nplain\n", false)]
    public async Task Eight_bit_content_is_marked(string content, bool expected)
    {
        var bed = new CleanupTestBed();
        await bed.SendAsync(content);
        bed.Intake.LastMessage!.Envelope.Flags.HasFlag(EnvelopeFlags.EightBit).ShouldBe(expected);
    }

    [Theory]
    [InlineData("", 1, "Subject: \u00fc\n\nb\n", "r@x.y", true)]
    [InlineData("", 1, "Subject: x\n\n\u00fc\n", "r@x.y", false)]
    [InlineData("", 1, "Subject: x\n\nb\n", "\u00fc@x.y", true)]
    [InlineData("", 0, "Subject: \u00fc\n\nb\n", "r@x.y", false)]
    [InlineData("smtputf8_autodetect_classes = verify", 1, "Subject: \u00fc\n\nb\n", "r@x.y", false)]
    [InlineData("smtputf8_enable = no", 1, "Subject: \u00fc\n\nb\n", "r@x.y", false)]
    public async Task Submitted_mail_with_8_bit_headers_or_addresses_needs_SMTPUTF8(
        string changes, long maildropId, string content, string recipient, bool expected)
    {
        var bed = new CleanupTestBed(changes);
        await using var message = bed.Begin(new CleanupRequest { Sender = "s@x.example", MaildropId = maildropId });
        message.AddRecipient(recipient);
        message.Append(Encoding.UTF8.GetBytes(content));
        await message.FinishAsync(TestContext.Current.CancellationToken);
        bed.Intake.LastMessage!.Envelope.Flags.HasFlag(EnvelopeFlags.SmtpUtf8).ShouldBe(expected);
    }

    [Fact]
    public async Task It_does_not_matter_how_bytes_are_cut()
    {
        var random = new Random(20261125);
        for (var i = 0; i < 400; i++)
        {
            var content = string.Concat(random.GetItems(Alphabet, random.Next(30)));
            const string changes = "header_size_limit = 40";
            var whole = await new CleanupTestBed(changes).PassAsync(content);
            for (var cut = 1; cut < 12; cut++)
            {
                (await new CleanupTestBed(changes).PassAsync(content, cut: cut)).ShouldBe(whole, $"{content} cut every {cut} bytes");
            }
        }
    }

    [Fact]
    public async Task Files_pass_unchanged_from_remote_clients_wherever_they_are_cut()
    {
        foreach (var file in MailFiles.All())
        {
            var content = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken)).Replace("\r\n", "\n", StringComparison.Ordinal);
            const string changes = "message_drop_headers =\nheader_size_limit = 1000000\ncleanup_replace_stray_cr_lf = no";
            var whole = await new CleanupTestBed(changes).PassAsync(content, local: false);

            // An empty line may come in where a header ends without one.
            whole.Replace("\n", "", StringComparison.Ordinal).ShouldBe(content.Replace("\n", "", StringComparison.Ordinal), file);
            if (content.Length < 20_000)
            {
                (await new CleanupTestBed(changes).PassAsync(content, local: false, cut: 1)).ShouldBe(whole, file);
            }
        }
    }
}
