using CsCheck;
using Mta.Core.Queue;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Queue;

public sealed class QueueIdTests
{
    private static readonly Gen<QueueId> Any = Gen.Select(
        Gen.Long[QueueId.EpochUnixSeconds * 1_000_000, 3_700_000_000_000_000], Gen.Int[0, QueueId.MaxNodeNumber], QueueId.Create);

    [Fact]
    public void The_text_of_an_id_leads_back_to_it() =>
        Any.Sample(id => QueueId.TryParse(id.ToString(), out var parsed) && parsed == id);

    [Fact]
    public void The_text_is_as_long_as_Postfix_s_and_has_no_vowels() =>
        Any.Sample(id => id.ToString().Length is 15 or 16 && id.ToString().IndexOfAny(['A','E','I','O','U','a','e','i','o','u']) < 0);

    [Fact]
    public void Ids_order_by_time_then_by_node()
    {
        var first = QueueId.Create(1_700_000_000_000_000, 4095);
        (first < QueueId.Create(1_700_000_000_000_001, 0)).ShouldBeTrue();
        first.NodeNumber.ShouldBe(4095);
        first.UnixMicroseconds.ShouldBe(1_700_000_000_000_000);
    }

    [Theory]
    [InlineData("")]
    [InlineData("4XyZ")]
    [InlineData("ALL")]
    [InlineData("zzzzzzzzzzzzzzz")]
    [InlineData("4bCdFg1234z1111\n")]
    public void Other_text_is_no_id(string text) => QueueId.TryParse(text, out _).ShouldBeFalse();

    [Fact]
    public void No_text_throws() => Gen.String.Sample(text => QueueId.TryParse(text, out var id) ? id.ToString() == text : id == default);
}
