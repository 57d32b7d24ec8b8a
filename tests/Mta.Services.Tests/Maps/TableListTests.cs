using System.Net;
using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Maps;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Maps;

public sealed class TableListTests : IAsyncDisposable
{
    private readonly WarningLog log = new();
    private readonly TableRegistry registry;

    public TableListTests() => registry = new TableRegistry(log.Log, TimeProvider.System);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("user+ext@example.com", "full", "")]
    [InlineData("user+other@example.com", "bare", "+other")]
    [InlineData("x+y@local.test", "plain", "+y")]
    [InlineData("x+y@origin.test", "plain", "+y")]
    [InlineData("x+y@[192.0.2.1]", "plain", "+y")]
    [InlineData("z+y@example.com", "domain", "")]
    [InlineData("x@other.test", null, "")]
    [InlineData("", null, "")]
    public async Task The_most_special_key_wins(string address, string? value, string extension)
    {
        var list = Open("inline:{@example.com=domain, x=plain} inline:{user@example.com=bare, user+ext@example.com=full}");
        var pending = list.FindMailAddressAsync(address, AddressKeyForms.Address, Context(), Stop);
        pending.IsCompleted.ShouldBeTrue();
        var match = await pending;
        (match.IsFound ? match.Result.Value : null).ShouldBe(value);
        (match.UnmatchedExtension ?? "").ShouldBe(extension);
    }

    [Fact]
    public async Task Each_key_is_tried_in_all_tables_before_the_next_key()
    {
        var list = Open("inline:{@example.com=first} inline:{a@example.com=second}");
        (await FindAsync(list, "a@example.com")).Result.Value.ShouldBe("second");
    }

    [Fact]
    public async Task A_failure_ends_the_search_and_is_never_not_found()
    {
        var list = Open("inline:{@example.com=x} fail:y");
        (await FindAsync(list, "a@example.com")).IsFailed.ShouldBeTrue();
        (await list.FindAsync("@example.com", Stop)).Value.ShouldBe("x");
    }

    [Fact]
    public async Task An_empty_value_is_a_failure() =>
        (await Open("inline:{{a = }}").FindAsync("a", Stop)).Text.ShouldBe(
            "virtual_alias_maps lookup of a returns an empty string result\nvirtual_alias_maps should return NO RESULT in case of NOT FOUND");

    [Fact]
    public async Task A_failure_says_what_was_asked_of_which_table_and_of_a_table_that_is_not_open_no_more()
    {
        (await Open("inline:{b=c} fail:x").FindAsync("a b", Stop)).Text.ShouldBe("fail:x lookup error for \"a b\"");
        (await Open("foo:/x").FindAsync("a", Stop)).Text.ShouldBe("foo:/x lookup error for \"a\"");
    }

    [Fact]
    public void An_empty_list_costs_nothing()
    {
        Open("").ShouldBeSameAs(TableList.Empty);
        Immediate.Result(TableList.Empty.FindMailAddressAsync("a@b", AddressKeyForms.Address, Context(), Stop)).IsFound.ShouldBeFalse();
    }

    [Fact]
    public async Task Tables_of_patterns_are_asked_once_with_the_whole_address()
    {
        var patterns = new RecordingTable(wholeKey: true);
        var plain = new RecordingTable(wholeKey: false);
        (await FindAsync(new TableList([patterns, plain]), "User+x@Example.com")).IsFound.ShouldBeFalse();
        patterns.Keys.ShouldBe(["User+x@Example.com"]);
        plain.Keys.ShouldBe(["User+x@Example.com", "User@Example.com", "@Example.com"]);
    }

    [Fact]
    public async Task Answers_that_take_time_give_the_same_result()
    {
        var slow = new RecordingTable(wholeKey: false) { Slow = true };
        var list = new TableList([slow, registry.Open("inline:{@example.com=x}")]);
        (await FindAsync(list, "a+b@example.com")).Result.Value.ShouldBe("x");
        slow.Keys.ShouldBe(["a+b@example.com", "a@example.com", "@example.com"]);
    }

    [Fact]
    public async Task Lookups_in_memory_allocate_nothing_for_whole_keys()
    {
        var list = Open("inline:{a@example.com=x} inline:{b@example.com=y}");
        await list.FindAsync("b@example.com", Stop);
        var stop = Stop;
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            Immediate.Result(list.FindAsync("b@example.com", stop));
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    [Theory]
    [InlineData("client.test", "192.0.2.9", true)]
    [InlineData("unknown", "203.0.113.1", true)]
    [InlineData("bad.test", "192.0.2.9", false)]
    [InlineData("sub.table.test", "198.51.100.1", true)]
    [InlineData("x.test", "198.51.100.2", false)]
    public async Task A_match_list_asks_its_tables_for_name_parents_and_address(string name, string address, bool expected)
    {
        var settings = new Settings([new("mynetworks", "!bad.test 192.0.2.0/24 inline:{table.test=x, 203.0.113.1=y}")]);
        var list = registry.OpenList(settings, Parameters.Mynetworks, MatchListKind.NamesAndAddresses);
        (await list.MatchAsync(name, IPAddress.Parse(address), Stop)).IsFound.ShouldBe(expected);
    }

    [Fact]
    public async Task A_bad_element_is_warned_of_and_fails()
    {
        var settings = new Settings([new("mynetworks", "10.0.0.1/8")]);
        var list = registry.OpenList(settings, Parameters.Mynetworks, MatchListKind.NamesAndAddresses);
        const string reason = "mynetworks: non-null host address bits in \"10.0.0.1/8\", perhaps you should use \"10.0.0.0/8\" instead";
        log.Lines.ShouldBe(["warning: " + reason]);
        (await list.MatchAsync("x", IPAddress.Loopback, Stop)).ShouldBe(LookupResult.Failed(reason));
    }

    public ValueTask DisposeAsync() => registry.DisposeAsync();

    private TableList Open(string maps) => registry.Open(new Settings([new("virtual_alias_maps", maps)]), Parameters.VirtualAliasMaps);

    private async Task<AddressMatch> FindAsync(TableList list, string address) =>
        await list.FindMailAddressAsync(address, AddressKeyForms.Address, Context(), Stop);

    private MailAddressContext Context()
    {
        var settings = new Settings([new("mydestination", "local.test")]);
        var mydestination = registry.OpenList(settings, Parameters.Mydestination, MatchListKind.Strings);
        return new(new ExtensionRules("+"), new LocalDomains(mydestination, "origin.test", [IPAddress.Parse("192.0.2.1")]));
    }

    private sealed class RecordingTable(bool wholeKey) : ILookupTable
    {
        public List<string> Keys { get; } = [];

        public bool Slow { get; init; }

        public string Reference => "recording:";

        public bool MatchesWholeKey => wholeKey;

        public async ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken)
        {
            Keys.Add(key);
            if (Slow)
            {
                await Task.Yield();
            }

            return LookupResult.NotFound;
        }
    }
}
