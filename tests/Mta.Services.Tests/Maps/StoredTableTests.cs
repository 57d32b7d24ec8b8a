using System.Diagnostics;
using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Maps;
using Mta.Services.Maps.Stored;
using Mta.Services.Tests.Mailbox;
using Mta.Storage.Maps;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Maps;

public sealed class StoredTableTests : IAsyncLifetime
{
    private const string Name = "/etc/mta-test/virtual";

    private const int LargeEntries = 300;

    private readonly WarningLog log = new();
    private readonly ManualTime time = new();
    private TestDatabase database = null!;
    private NpgsqlDataSource source = null!;
    private TableRegistry registry = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        source = NpgsqlDataSource.Create(database.ConnectionString);
        registry = new TableRegistry(log.Log, time, source, new StoredTableLimits { SmallEntries = 100, WholeEntries = 200 });
    }

    public async ValueTask DisposeAsync()
    {
        await registry.DisposeAsync();
        await source.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task A_small_table_answers_from_memory_until_it_changes()
    {
        await SqlAsync("INSERT INTO mta.lookup VALUES ('/etc/mta-test/virtual', 'a@b.test', 'one')");
        var table = registry.Open("hash:" + Name);
        registry.Open("proxy:lmdb:" + Name).ShouldBeSameAs(table);
        (await FindAsync(table, "A@B.test")).Value.ShouldBe("one");
        Immediate.Find(table, "a@b.test");
        Immediate.Find(table, "none");

        await SqlAsync("UPDATE mta.lookup SET value = 'two'; INSERT INTO mta.lookup VALUES ('/etc/mta-test/virtual', 'c', 'three')");
        await registry.PollAsync(Stop);
        Immediate.Find(table, "a@b.test").Value.ShouldBe("two");
        Immediate.Find(table, "c").Value.ShouldBe("three");
    }

    [Fact]
    public async Task A_large_table_answers_by_key_and_remembers_what_is_not_there()
    {
        await new LookupWriter(source).BuildAsync(
            Name, LookupKind.Map, Enumerable.Range(0, LargeEntries).ToDictionary(i => $"k{i}", i => $"v{i}"), false, Stop);
        var table = registry.Open("hash:" + Name);
        (await FindAsync(table, "k77")).Value.ShouldBe("v77");
        (await FindAsync(table, "none")).ShouldBe(LookupResult.NotFound);
        Immediate.Find(table, "k77");
        Immediate.Find(table, "none");

        await SqlAsync("UPDATE mta.lookup_entry SET value = 'new' WHERE key = 'k77'; INSERT INTO mta.lookup VALUES ('/etc/mta-test/virtual', 'none', 'some')");
        await registry.PollAsync(Stop);
        (await FindAsync(table, "k77")).Value.ShouldBe("new");
        (await FindAsync(table, "none")).Value.ShouldBe("some");
        (await FindAsync(table, "nul\0")).ShouldBe(LookupResult.NotFound);
        (await FindAsync(table, "lone\ud800")).ShouldBe(LookupResult.NotFound);
    }

    [Fact]
    public async Task A_large_table_is_whole_in_memory_while_it_does_not_change()
    {
        await new LookupWriter(source).BuildAsync(Name, LookupKind.Map, Enumerable.Range(0, 150).ToDictionary(i => $"k{i}", i => $"v{i}"), false, Stop);
        var table = (StoredTable)registry.Open("hash:" + Name);
        await registry.StartAsync(Stop);
        Immediate.Find(table, "k149").Value.ShouldBe("v149");
        Immediate.Find(table, "none").ShouldBe(LookupResult.NotFound);

        // By key at once after a change, whole again when it has been quiet.
        await SqlAsync("UPDATE mta.lookup_entry SET value = 'new' WHERE key = 'k77'");
        await registry.PollAsync(Stop);
        (await FindAsync(table, "k77")).Value.ShouldBe("new");
        table.Lacks("k78").ShouldBeTrue();
        time.Advance(TimeSpan.FromSeconds(9));
        await registry.PollAsync(Stop);
        await table.Growing;
        table.Lacks("k78").ShouldBeTrue();
        time.Advance(TimeSpan.FromSeconds(2));
        await registry.PollAsync(Stop);
        await table.Growing;
        Immediate.Find(table, "k78").Value.ShouldBe("v78");
        Immediate.Find(table, "k77").Value.ShouldBe("new");
    }

    [Fact]
    public async Task A_table_that_became_large_is_asked_by_key_at_once()
    {
        await SqlAsync("INSERT INTO mta.lookup VALUES ('/etc/mta-test/virtual', 'a', 'one')");
        var table = (StoredTable)registry.Open("hash:" + Name);
        (await FindAsync(table, "a")).Value.ShouldBe("one");

        // Reading it takes too long to be seen within a second; that comes later.
        await new LookupWriter(source).BuildAsync(Name, LookupKind.Map, Enumerable.Range(0, 150).ToDictionary(i => $"k{i}", i => $"v{i}"), false, Stop);
        await registry.PollAsync(Stop);
        table.Lacks("k77").ShouldBeTrue();
        (await FindAsync(table, "k77")).Value.ShouldBe("v77");
        (await FindAsync(table, "a")).ShouldBe(LookupResult.NotFound);
        time.Advance(TimeSpan.FromSeconds(11));
        await registry.PollAsync(Stop);
        await table.Growing;
        table.Lacks("k78").ShouldBeFalse();
    }

    [Fact]
    public async Task All_keys_of_an_address_come_in_one_round_trip()
    {
        var entries = Enumerable.Range(0, LargeEntries).ToDictionary(i => $"k{i}", i => $"v{i}");
        entries["@example.com"] = "all";
        await new LookupWriter(source).BuildAsync(Name, LookupKind.Map, entries, false, Stop);
        var table = registry.Open("hash:" + Name);
        await FindAsync(table, "k1");
        var settings = new Settings([new("mydestination", "")]);
        var local = new LocalDomains(registry.OpenList(settings, Parameters.Mydestination, MatchListKind.Strings), "", []);
        var context = new MailAddressContext(new ExtensionRules("+"), local);
        var list = new TableList([table]);
        (await list.FindMailAddressAsync("User+x@Example.com", AddressKeyForms.Address, context, Stop)).Result.Value.ShouldBe("all");

        // What was not asked for in the end is in memory, too.
        foreach (var key in (string[])["user+x@example.com", "user@example.com", "user+x", "user"])
        {
            Immediate.Find(table, key).ShouldBe(LookupResult.NotFound);
        }

        Immediate.Result(list.FindMailAddressAsync("user+x@example.com", AddressKeyForms.Address, context, Stop)).IsFound.ShouldBeTrue();
    }

    [Fact]
    public async Task A_missing_table_fails_names_the_command_and_works_once_it_is_made()
    {
        var table = registry.Open("hash:" + Name);
        const string reason = "hash:/etc/mta-test/virtual is unavailable. open database /etc/mta-test/virtual: no such table in the database; make it with \"postmap hash:/etc/mta-test/virtual\"";
        (await FindAsync(table, "a")).ShouldBe(LookupResult.Failed(reason));
        (await FindAsync(table, "a")).IsFailed.ShouldBeTrue();
        log.Lines.ShouldBe(["warning: " + reason]);

        await SqlAsync("INSERT INTO mta.lookup VALUES ('/etc/mta-test/virtual', 'a', 'x')");
        await registry.PollAsync(Stop);
        (await FindAsync(table, "a")).Value.ShouldBe("x");

        await SqlAsync("DELETE FROM mta.lookup_table");
        await registry.PollAsync(Stop);
        (await FindAsync(table, "a")).IsFailed.ShouldBeTrue();
    }

    [Fact]
    public async Task A_table_named_by_its_kind_is_there_without_rows_and_others_are_not()
    {
        var table = registry.Open("sql:virtual");
        (await FindAsync(table, "a@b.test")).ShouldBe(LookupResult.NotFound);
        await SqlAsync("INSERT INTO mta.virtual (address, targets) VALUES ('A@b.test', 'one')");
        await registry.PollAsync(Stop);
        (await FindAsync(table, "a@b.test")).Value.ShouldBe("one");

        var missing = registry.Open("sql:clients");
        (await FindAsync(missing, "a")).IsFailed.ShouldBeTrue();
        log.Lines.Single().ShouldContain("insert into mta.lookup or the view of its kind, with \"clients\" as name");
        await SqlAsync("INSERT INTO mta.access (map, pattern, action) VALUES ('clients', 'A', 'OK')");
        await registry.PollAsync(Stop);
        (await FindAsync(missing, "a")).Value.ShouldBe("OK");
    }

    [Fact]
    public async Task Stored_patterns_come_before_the_file_and_change_with_the_database()
    {
        using var directory = new TemporaryDirectory();
        var path = Path.Combine(directory.Path, "checks");
        await File.WriteAllTextAsync(path, "/x/ file\n", Stop);
        var table = registry.Open("pcre:" + path);
        table.MatchesWholeKey.ShouldBeTrue();
        (await FindAsync(table, "x")).Value.ShouldBe("file");
        Immediate.Find(table, "x");

        await SqlAsync($"INSERT INTO mta.pattern (map, type, rule) VALUES ('{path}', 'pcre', '/X/ stored')");
        await registry.PollAsync(Stop);
        Immediate.Find(table, "x").Value.ShouldBe("stored");
        await SqlAsync("UPDATE mta.pattern SET rule = '/*x/ y'");
        await registry.PollAsync(Stop);
        (await FindAsync(table, "x")).ShouldBe(LookupResult.NotFound);
        log.Lines.Single().ShouldStartWith($"warning: pcre map {path}, line 10: ");

        await SqlAsync("DELETE FROM mta.lookup_table");
        await registry.PollAsync(Stop);
        (await FindAsync(table, "x")).Value.ShouldBe("file");
        (await FindAsync(registry.Open("cidr:none"), "1.2.3.4")).IsFailed.ShouldBeTrue();
    }

    [Fact]
    public async Task An_imported_file_becomes_a_table_of_the_parameters_kind_if_its_rows_keep_the_rules()
    {
        using var directory = new TemporaryDirectory();
        var right = Path.Combine(directory.Path, "right");
        var odd = Path.Combine(directory.Path, "odd");
        await File.WriteAllTextAsync(right, "x.test smtp:[relay]\n", Stop);
        await File.WriteAllTextAsync(odd, "y.test not a transport\n", Stop);
        var list = registry.Open(new Settings([new("transport_maps", $"hash:{right} hash:{odd}")]), Parameters.TransportMaps);
        (await list.FindAsync("x.test", Stop)).Value.ShouldBe("smtp:[relay]");
        (await list.FindAsync("y.test", Stop)).Value.ShouldBe("not a transport");
        await using var command = source.CreateCommand("SELECT string_agg(pattern, ' ') FROM mta.transport");
        (await command.ExecuteScalarAsync(Stop)).ShouldBe("x.test");
        log.Lines.ShouldContain(l =>
            l.StartsWith($"warning: {odd}: the entry \"y.test\" breaks the rule transport_names_a_service_and_a_next_hop (") && l.EndsWith("); it is stored as a plain map"));
    }

    [Fact]
    public async Task A_source_file_is_imported_once()
    {
        using var directory = new TemporaryDirectory();
        var path = Path.Combine(directory.Path, "virtual");
        await File.WriteAllTextAsync(path, "Info@Example.com alice\nbob\n", Stop);
        registry.Open("hash:" + path);
        await registry.StartAsync(Stop);
        (await FindAsync(registry.Open("btree:" + path), "info@example.com")).Value.ShouldBe("alice");
        log.Lines.ShouldBe([
            $"warning: {path}, line 2: expected format: key whitespace value",
            $"warning: hash:{path}: no such table in the database; imported 1 entries from {path}. After changes of the file, run \"postmap hash:{path}\"",
        ]);

        // Another node finds the table, and does not read the file.
        await File.WriteAllTextAsync(path, "info@example.com mallory\n", Stop);
        await using var other = new TableRegistry(log.Log, time, source);
        (await FindAsync(other.Open("hash:" + path), "info@example.com")).Value.ShouldBe("alice");
        log.Lines.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Aliases_are_imported_in_their_own_syntax()
    {
        using var directory = new TemporaryDirectory();
        var path = Path.Combine(directory.Path, "aliases");
        await File.WriteAllTextAsync(path, "Root: alice,\n  bob\n", Stop);
        var settings = new Settings([new("alias_maps", "hash:" + path), new("local_recipient_maps", "unix:passwd.byname $alias_maps")]);
        var list = registry.Open(settings, Parameters.LocalRecipientMaps);
        (await registry.Open(settings, Parameters.AliasMaps).FindAsync("root", Stop)).Value.ShouldBe("alice, bob");
        (await list.FindAsync("root", Stop)).Value.ShouldStartWith("root:");
    }

    [Fact]
    public async Task Aliases_that_nobody_asked_for_may_be_missing()
    {
        // The default is $default_database_type:/etc/aliases; this makes it a file that no machine has.
        var settings = new Settings([new("default_database_type", "hash:/none")]);
        var list = registry.Open(settings, Parameters.LocalRecipientMaps);
        (await list.FindAsync("no-such-user", Stop)).ShouldBe(LookupResult.NotFound);
        (await list.FindAsync("root", Stop)).IsFound.ShouldBeTrue();
        log.Lines.ShouldBe(["warning: hash:/none:/etc/aliases is the default of alias_maps, and there is no /none:/etc/aliases: there are no aliases"]);

        await using var asked = new TableRegistry(log.Log, time, source);
        var explicitly = new Settings([new("alias_maps", "hash:/none:/etc/aliases")]);
        (await asked.Open(explicitly, Parameters.AliasMaps).FindAsync("x", Stop)).IsFailed.ShouldBeTrue();
    }

    [Fact]
    public async Task While_the_database_is_away_memory_answers_for_a_while_and_nothing_is_not_found()
    {
        await SqlAsync("INSERT INTO mta.lookup VALUES ('/etc/mta-test/virtual', 'a', 'one')");
        var table = registry.Open("hash:" + Name);
        (await FindAsync(table, "a")).Value.ShouldBe("one");
        await source.DisposeAsync();

        await registry.PollAsync(Stop);
        await registry.PollAsync(Stop);
        log.Lines.Count.ShouldBe(1);
        log.Lines.First().ShouldStartWith("warning: cannot see changes of lookup tables: ");
        (await FindAsync(table, "a")).Value.ShouldBe("one");
        (await FindAsync(table, "none")).ShouldBe(LookupResult.NotFound);
        (await FindAsync(registry.Open("hash:/other"), "a")).IsFailed.ShouldBeTrue();

        time.Advance(StoredTable.TrustedFor);
        (await FindAsync(table, "a")).IsFailed.ShouldBeTrue();
        (await FindAsync(table, "none")).IsFailed.ShouldBeTrue();
    }

    [Fact]
    public async Task A_change_counts_within_a_second_without_being_told()
    {
        await SqlAsync("INSERT INTO mta.lookup VALUES ('/etc/mta-test/virtual', 'a', 'one')");
        await using var running = new TableRegistry(log.Log, TimeProvider.System, source);
        var table = running.Open("hash:" + Name);
        await running.StartAsync(Stop);
        await SqlAsync("UPDATE mta.lookup SET value = 'two'");
        var watch = Stopwatch.StartNew();
        while ((await FindAsync(table, "a")).Value != "two" && watch.ElapsedMilliseconds < 5000)
        {
            await SqlAsync("SELECT 1");
        }

        watch.ElapsedMilliseconds.ShouldBeLessThan(1000);
    }

    private static async Task<LookupResult> FindAsync(ILookupTable table, string key) => await table.FindAsync(key, Stop);

    private async Task SqlAsync(string sql)
    {
        await using var command = database.DataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Stop);
    }
}
