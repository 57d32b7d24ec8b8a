using System.Text;
using Mta.Core.Smtp;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Smtp;

public sealed class ReplyFeaturesTests
{
    [Fact]
    public void Extensions_are_known_by_their_keywords()
    {
        var features = Parse("250-mx.test Hello\n250-pipelining\n250-SIZE 1000\n250-8BITMIME\n250-X-OTHER DSN\n250 STARTTLS");
        features.Name.ShouldBe("mx.test");
        features.SizeLimit.ShouldBe(1000);
        features.Features.ShouldBe(PeerFeatures.Pipelining | PeerFeatures.Size | PeerFeatures.EightBitMime | PeerFeatures.StartTls);
    }

    [Theory]
    [InlineData("250-x\n250 SIZE", 0)]
    [InlineData("250-x\n250 SIZE=5", 5)]
    [InlineData("250-x\n250 SIZE 99999999999999999999999", 0)]
    [InlineData("250-x\n250 SIZE -1", 0)]
    public void A_size_without_a_number_is_no_limit(string lines, long limit)
    {
        Parse(lines).SizeLimit.ShouldBe(limit);
        Parse(lines).Features.ShouldBe(PeerFeatures.Size);
    }

    [Fact]
    public void The_first_line_is_a_name_even_if_it_is_a_keyword() => Parse("250 DSN").Features.ShouldBe(PeerFeatures.None);

    [Fact]
    public void Keywords_can_be_overlooked() =>
        ReplyFeatures.Parse("250-x\n250-DSN\n250 PIPELINING"u8, ["dsn", "other"]).Features.ShouldBe(PeerFeatures.Pipelining);

    private static ReplyFeatures Parse(string lines) => ReplyFeatures.Parse(Encoding.ASCII.GetBytes(lines), []);
}
