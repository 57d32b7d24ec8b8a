using Mta.Core.Lookup;
using Mta.Services.Maps;
using Mta.Services.Tests.Mailbox;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Maps;

public sealed class MemoryTableTests : IAsyncDisposable
{
    private readonly WarningLog log = new();
    private readonly TableRegistry registry;

    public MemoryTableTests() => registry = new TableRegistry(log.Log, TimeProvider.System);

    [Theory]
    [InlineData("inline:{a=b, {c = d e}}", "A", "b")]
    [InlineData("inline:{a=b, {c = d e}}", "c", "d e")]
    [InlineData("inline:{a=b, {c = d e}}", "x", null)]
    [InlineData("static:x", "any", "x")]
    [InlineData("static:{ x y }", "any", "x y")]
    [InlineData("proxy:static:x", "any", "x")]
    [InlineData("unix:group.byname", "root", "root:x:0:")]
    [InlineData("unix:passwd.byname", "no such user", null)]
    [InlineData("proxy:unix:passwd.byname", "", null)]
    [InlineData("environ:", "MTA_NO_SUCH_VARIABLE", null)]
    public async Task A_key_is_found_or_not(string reference, string key, string? value)
    {
        var result = await FindAsync(reference, key);
        result.IsFailed.ShouldBeFalse(result.Text);
        (result.IsFound ? result.Value : null).ShouldBe(value);
    }

    [Fact]
    public async Task A_user_is_a_line_of_passwd() => (await FindAsync("unix:passwd.byname", "ROOT")).Value.ShouldStartWith("root:x:0:0:");

    [Theory]
    [InlineData("foo:/x", "unsupported dictionary type: foo")]
    [InlineData("inline:{a b}", "missing '=' after attribute name: \"inline:{a b}\"; need \"inline:{name=value...}\"")]
    [InlineData("inline:{}", "bad syntax: \"inline:{}\"; need \"inline:{name=value...}\"")]
    [InlineData("unix:foo", "unknown table: unix:foo")]
    [InlineData("nothing", "need \"type:name\" form instead of: \"nothing\"")]
    [InlineData("hash:/x", "open database /x: there is no database here")]
    public async Task A_table_that_cannot_be_opened_fails_with_one_warning(string reference, string reason)
    {
        reason = $"{reference} is unavailable. {reason}";
        (await FindAsync(reference, "a")).ShouldBe(LookupResult.Failed(reason) with { IsReported = true });
        (await FindAsync(reference, "b")).IsFailed.ShouldBeTrue();
        log.Lines.ShouldBe(["warning: " + reason]);
    }

    [Fact]
    public async Task Fail_fails_in_silence()
    {
        (await FindAsync("fail:x", "a")).IsFailed.ShouldBeTrue();
        log.Lines.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_text_file_is_read_again_when_it_was_changed_and_is_opened_again()
    {
        using var directory = new TemporaryDirectory();
        var path = Path.Combine(directory.Path, "map");
        (await FindAsync("texthash:" + path, "a")).IsFailed.ShouldBeTrue();
        await File.WriteAllTextAsync(path, "A one\n  two\na three\n", TestContext.Current.CancellationToken);
        log.Lines.Clear();
        (await FindAsync("texthash:" + path, "A")).Value.ShouldBe("one  two");
        log.Lines.ShouldBe([$"warning: {path}, line 3: duplicate entry: \"a\""]);
        registry.Open("texthash:" + path).ShouldBeSameAs(registry.Open("texthash:" + path));
    }

    public ValueTask DisposeAsync() => registry.DisposeAsync();

    private async Task<LookupResult> FindAsync(string reference, string key) =>
        await registry.Open(reference).FindAsync(key, TestContext.Current.CancellationToken);
}
