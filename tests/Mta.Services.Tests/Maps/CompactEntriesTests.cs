using Mta.Services.Maps.Stored;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Maps;

public sealed class CompactEntriesTests
{
    [Fact]
    public void Entries_are_found_and_others_are_not()
    {
        var builder = new CompactEntries.Builder(10_000_000);
        for (var i = 0; i < 20_000; i++)
        {
            builder.TryAdd($"user{i}@example.com", new string('v', i % 400)).ShouldBeTrue();
        }

        var entries = builder.Build();

        for (var i = 0; i < 20_000; i++)
        {
            entries.TryGet($"user{i}@example.com", out var value).ShouldBeTrue();
            value.ShouldBe(new string('v', i % 400));
            entries.TryGet($"user{i}@example.org", out _).ShouldBeFalse();
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("ä")]
    [InlineData("пользователь@пример.рф")]
    [InlineData("😀")]
    public void Any_text_may_be_key_and_value(string text)
    {
        var builder = new CompactEntries.Builder(1000);
        builder.TryAdd(text, text).ShouldBeTrue();
        builder.TryAdd("x" + text, "").ShouldBeTrue();
        var entries = builder.Build();
        entries.TryGet(text, out var value).ShouldBeTrue();
        value.ShouldBe(text);
        entries.TryGet("x" + text, out value).ShouldBeTrue();
        value.ShouldBe("");
        entries.TryGet("y" + text, out _).ShouldBeFalse();
    }

    [Fact]
    public void Long_keys_are_found_and_what_is_too_much_is_refused()
    {
        var builder = new CompactEntries.Builder(3000);
        builder.TryAdd(new string('k', 1000), new string('v', 1000)).ShouldBeTrue();
        builder.TryAdd("another", new string('v', 1000)).ShouldBeFalse();
        var entries = builder.Build();
        entries.TryGet(new string('k', 1000), out var value).ShouldBeTrue();
        value!.Length.ShouldBe(1000);
        entries.TryGet(new string('k', 999), out _).ShouldBeFalse();
        new CompactEntries.Builder(100).Build().TryGet("", out _).ShouldBeFalse();
    }
}
