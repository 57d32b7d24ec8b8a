using System.Text;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Cleanup;

/// <summary>force_mime_input_conversion.</summary>
public sealed class InputConversionTests
{
    private const string Head = "From: a@x.test\nDate: x\nMessage-Id: <m@x>\nMime-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n";
    private const string EightBit = Head + "Content-Transfer-Encoding: 8bit\n\ngr\u00fc=n\n";
    private const string Converted = Head + "Content-Transfer-Encoding: quoted-printable\n\ngr=FC=3Dn\n";

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(int.MaxValue)]
    public async Task Content_that_claims_to_be_8_bit_becomes_quoted_printable(int cut)
    {
        var bed = new CleanupTestBed("force_mime_input_conversion = yes");
        (await bed.PassAsync(EightBit, local: false, cut: cut)).ShouldBe(Converted);
        bed.Intake.LastMessage!.Envelope.Flags.HasFlag(EnvelopeFlags.EightBit).ShouldBeFalse();
    }

    [Theory]
    [InlineData("")]
    [InlineData("force_mime_input_conversion = yes\ndisable_mime_input_processing = yes")]
    public async Task Content_stays_as_it_is_unless_asked(string changes) =>
        (await new CleanupTestBed(changes).PassAsync(EightBit, local: false)).ShouldBe(EightBit);

    [Fact]
    public async Task Content_that_claims_nothing_stays_as_it_is()
    {
        const string content = Head + "\ngr\u00fcn";
        (await new CleanupTestBed("force_mime_input_conversion = yes").PassAsync(content, local: false)).ShouldBe(content + "\n");
    }

    [Fact]
    public async Task Checks_see_the_converted_content()
    {
        var bed = new CleanupTestBed("force_mime_input_conversion = yes\nbody_checks = regexp:{{/^gr=FC/ REPLACE seen}}");
        await using var message = bed.Begin(new CleanupRequest { Sender = "s@x.example", ChecksContent = true });
        message.AddRecipient("r@far.example");
        message.Append(Encoding.Latin1.GetBytes(EightBit));
        (await message.FinishAsync(TestContext.Current.CancellationToken)).Outcome.ShouldBe(CleanupOutcome.Queued);
        bed.Intake.LastContent.ShouldEndWith("\n\nseen\n");
    }
}
