using System.Net;
using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Maps;
using Mta.Services.Maps.Stored;
using Mta.Storage.Maps;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Maps;

/// <summary>A search in tables that are too large for memory costs one statement, whatever it searches for and however many tables there are.</summary>
public sealed class FarTablesTests : IAsyncLifetime
{
    private readonly WarningLog log = new();
    private readonly StatementCount statements = new();
    private TestDatabase database = null!;
    private NpgsqlDataSource source = null!;
    private TableRegistry registry = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        source = statements.Connect(database.ConnectionString);
        registry = new TableRegistry(log.Log, new ManualTime(), source, new StoredTableLimits { SmallEntries = 5, WholeEntries = 10 });
    }

    public async ValueTask DisposeAsync()
    {
        await registry.DisposeAsync();
        await source.DisposeAsync();
        await database.DisposeAsync();
    }

    [Theory]
    [InlineData("mail.example.com", "mail.example.com")]
    [InlineData("mail.sub.example.com", "example.com")]
    [InlineData("mail.example.org", "192.0")]
    [InlineData("mail.example.net", null)]
    public async Task A_clients_name_and_address_with_parents_and_networks(string name, string? found)
    {
        var list = await OpenAsync(["mail.example.com", "example.com"], ["192.0"]);
        var keys = new ChainedKeys<DomainKeys, NetworkKeys>(
            new(name, withDots: false), new(found is null ? "198.51.100.7" : "192.0.2.7"));
        await CostsOneAsync(found, () => list.FindFirstAsync(keys, Stop));
    }

    [Theory]
    [InlineData("user+x@example.com", "example.com")]
    [InlineData("user+x@sub.example.com", ".example.com")]
    [InlineData("user+x@example.org", "user@")]
    [InlineData("other+x@example.org", "other+x@")]
    [InlineData("none@example.org", null)]
    public async Task An_address_with_its_domain_and_local_part(string address, string? found)
    {
        var list = await OpenAsync(["user@", ".example.com"], ["other+x@", "example.com"]);
        var extensions = new ExtensionRules("+");
        var forms = AddressKeyForms.Full | AddressKeyForms.WithoutExtension | AddressKeyForms.Domain | AddressKeyForms.DotParentDomains;
        var keys = new ChainedKeys<AddressKeys, LocalPartKeys>(new(address, extensions, forms), new(address, extensions));
        await CostsOneAsync(found, () => list.FindFirstAsync(keys, Stop));
    }

    [Fact]
    public async Task A_mail_address_in_two_tables()
    {
        var list = await OpenAsync(["@example.com"], ["user@example.com"]);
        var settings = new Settings([new("mydestination", "")]);
        var local = new LocalDomains(registry.OpenList(settings, Parameters.Mydestination, MatchListKind.Strings), "", []);
        var context = new MailAddressContext(new ExtensionRules("+"), local);
        await CostsOneAsync(
            "user@example.com", async () => (await list.FindMailAddressAsync("user+x@example.com", AddressKeyForms.Address, context, Stop)).Result);
    }

    [Theory]
    [InlineData("a.b.example.com", null, "example.com")]
    [InlineData("a.b.example.org", "192.0.2.1", "192.0.2.1")]
    [InlineData("a.b.example.org", "192.0.2.2", null)]
    public async Task A_host_in_a_list_with_two_tables(string name, string? address, string? found)
    {
        await OpenAsync(["192.0.2.1"], ["example.com"]);
        var settings = new Settings([new("mynetworks", "hash:/t0 hash:/t1"), new("parent_domain_matches_subdomains", "mynetworks")]);
        var list = registry.OpenList(settings, Parameters.Mynetworks, MatchListKind.NamesAndAddresses);
        await CostsOneAsync(found, () => list.MatchAsync(name, address is null ? null : IPAddress.Parse(address), Stop));
    }

    [Theory]
    [InlineData("unionmap:{hash:/t0,hash:/t1}", "com,com")]
    [InlineData("pipemap:{hash:/t0,static:two}", "two")]
    public async Task Tables_within_tables(string reference, string value)
    {
        await OpenAsync(["com"], ["com"]);
        var list = new TableList([registry.Open(reference)]);
        var before = statements.Taken;
        (await list.FindFirstAsync(new DomainKeys("a.example.com", withDots: false), Stop)).Value.ShouldBe(value);
        statements.Taken.ShouldBe(before + 1);
    }

    [Fact]
    public async Task What_an_earlier_table_in_memory_answers_costs_nothing()
    {
        await OpenAsync(["a.example.com"], []);
        var list = new TableList([registry.Open("inline:{a.example.com=here}"), registry.Open("hash:/t0")]);
        var before = statements.Taken;
        (await list.FindFirstAsync(new DomainKeys("a.example.com", withDots: false), Stop)).Value.ShouldBe("here");
        statements.Taken.ShouldBe(before);
    }

    [Fact]
    public async Task A_dropped_table_fails_and_does_not_pass_for_not_found()
    {
        var list = await OpenAsync(["com"], []);
        await using var command = database.DataSource.CreateCommand("DELETE FROM mta.lookup_table");
        await command.ExecuteNonQueryAsync(Stop);
        (await list.FindFirstAsync(new DomainKeys("a.example.com", withDots: false), Stop)).IsFailed.ShouldBeTrue();
    }

    /// <summary>Two tables, known to be too large for memory; each key has itself as value.</summary>
    private async Task<TableList> OpenAsync(params string[][] keys)
    {
        var tables = new List<ILookupTable>();
        for (var i = 0; i < keys.Length; i++)
        {
            var entries = keys[i].Concat(Enumerable.Range(0, 20).Select(n => $"filler{n}")).ToDictionary(k => k, k => k);
            await new LookupWriter(source).BuildAsync($"/t{i}", LookupKind.Map, entries, false, Stop);
            tables.Add(registry.Open($"hash:/t{i}"));
            await tables[i].FindAsync("filler0", Stop);
        }

        return new TableList(tables);
    }

    private async Task CostsOneAsync(string? found, Func<ValueTask<LookupResult>> search)
    {
        var before = statements.Taken;
        Value(await search()).ShouldBe(found);
        statements.Taken.ShouldBe(before + 1);

        // Remembered, what is not there as well.
        Value(Immediate.Result(search())).ShouldBe(found);
        statements.Taken.ShouldBe(before + 1);
    }

    private static string? Value(LookupResult result) => result.IsFound ? result.Value : null;
}
