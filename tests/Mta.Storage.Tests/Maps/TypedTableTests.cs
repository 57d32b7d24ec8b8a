using Mta.Storage.Maps;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Maps;

public sealed class TypedTableTests : IAsyncLifetime
{
    private TestDatabase database = null!;
    private LookupStore store = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        store = new LookupStore(database.DataSource);
    }

    public ValueTask DisposeAsync() => database.DisposeAsync();

    [Theory]
    [InlineData("aliases", "(name, targets) VALUES ('Root', 'alice, bob')", "root", "alice, bob")]
    [InlineData("canonical", "(address, new_address) VALUES ('Old@X.test', 'new@x.test')", "old@x.test", "new@x.test")]
    [InlineData("virtual", "(address, targets) VALUES ('Info@Example.com', 'alice, bob')", "info@example.com", "alice, bob")]
    [InlineData("transport", "(pattern, transport, nexthop) VALUES ('.Example.org', 'smtp', '[relay]:25')", ".example.org", "smtp:[relay]:25")]
    [InlineData("transport", "(pattern, nexthop) VALUES ('*', '[relay]')", "*", ":[relay]")]
    [InlineData("relocated", "(address, new_location) VALUES ('gone@x.test', 'elsewhere')", "gone@x.test", "elsewhere")]
    [InlineData("access", "(pattern, action) VALUES ('192.0.2', 'REJECT not you')", "192.0.2", "REJECT not you")]
    [InlineData("generic", "(address, new_address) VALUES ('user@local', 'user@x.test')", "user@local", "user@x.test")]
    [InlineData("bcc", "(address, bcc) VALUES ('@x.test', 'archive@x.test')", "@x.test", "archive@x.test")]
    [InlineData("sender_login", "(address, logins) VALUES ('a@x.test', 'alice, bob')", "a@x.test", "alice, bob")]
    [InlineData("mailbox", "(address, mailbox) VALUES ('a@x.test', 'x.test/a/')", "a@x.test", "x.test/a/")]
    [InlineData("relayhost", "(sender, relayhost) VALUES ('@x.test', '[relay]:587')", "@x.test", "[relay]:587")]
    public async Task Each_kind_has_a_view_that_lookups_read(string kind, string values, string key, string value)
    {
        await SqlAsync($"INSERT INTO mta.{kind} {values}");
        (await store.FindAsync(kind, key, Stop)).ShouldBe(new StoredAnswer(true, value));
        (await store.ReadVersionsAsync([kind], Stop)).Single().Kind.ShouldBe(LookupKinds.Find(kind)!.Value);
        (await ScalarAsync($"SELECT obj_description('mta.{kind}'::regclass) IS NOT NULL AND map = '{kind}' FROM mta.{kind}")).ShouldBe(true);
        await SqlAsync($"DELETE FROM mta.{kind}");
        (await store.FindAsync(kind, key, Stop)).ShouldBe(new StoredAnswer(true, null));
    }

    [Theory]
    [InlineData("virtual (address, targets) VALUES ('a b', 'x')", "virtual_address_is_one_word")]
    [InlineData("virtual (address, targets) VALUES ('a', ' ')", "virtual_has_targets")]
    [InlineData("canonical (address, new_address) VALUES ('a', 'x, y')", "canonical_new_address_is_one_address")]
    [InlineData("transport (pattern, transport) VALUES ('a', 'sm tp')", "transport_names_a_service_and_a_next_hop")]
    [InlineData("relocated (address, new_location) VALUES ('a', '')", "relocated_says_where_to")]
    [InlineData("access (pattern, action) VALUES ('a', 'FILTER')", "access_action_has_its_argument")]
    [InlineData("access (pattern, action) VALUES ('a', 'filter smtp')", "access_filter_names_a_service_and_a_destination")]
    [InlineData("mailbox (address, mailbox) VALUES ('a', '../x')", "mailbox_stays_below_its_base")]
    [InlineData("lookup (table_name, key, value) VALUES ('a', '', 'x')", "lookup_key_has_text_that_an_index_can_hold")]
    [InlineData("pattern (map, type, rule) VALUES ('p', 'cidr', '10.0.0.1/8 x')", "cidr_rule_names_a_network")]
    [InlineData("pattern (map, type, rule) VALUES ('p', 'pcre', '/x REJECT')", "pattern_is_between_delimiters")]
    public async Task A_row_that_breaks_a_rule_is_refused_with_its_name(string row, string rule) =>
        (await Should.ThrowAsync<PostgresException>(() => SqlAsync($"INSERT INTO mta.{row}"))).ConstraintName.ShouldBe(rule);

    [Fact]
    public async Task A_row_without_a_map_goes_to_the_only_table_of_its_kind()
    {
        var writer = new LookupWriter(database.DataSource);
        await writer.BuildAsync("/etc/postfix/virtual", LookupKind.Virtual, new Dictionary<string, string> { ["a"] = "1" }, false, Stop);
        await SqlAsync("INSERT INTO mta.virtual (address, targets) VALUES ('B', '2')");
        (await store.FindAsync("/etc/postfix/virtual", "b", Stop)).Value.ShouldBe("2");
        await SqlAsync("UPDATE mta.virtual SET targets = '3', address = 'C' WHERE address = 'b'");
        (await ScalarAsync("SELECT string_agg(address || targets, ' ' ORDER BY address) FROM mta.virtual")).ShouldBe("a1 c3");

        await SqlAsync("INSERT INTO mta.virtual (map, address, targets) VALUES ('other', 'x', 'y')");
        (await Should.ThrowAsync<PostgresException>(() => SqlAsync("INSERT INTO mta.virtual (address, targets) VALUES ('B', '2')"))).Hint
            .ShouldBe("They are: /etc/postfix/virtual, other");
        (await Should.ThrowAsync<PostgresException>(() => SqlAsync("INSERT INTO mta.canonical VALUES ('other', 'x', 'y')"))).MessageText
            .ShouldBe("table other holds rows of kind virtual, not canonical");
        (await Should.ThrowAsync<PostgresException>(() => SqlAsync("INSERT INTO mta.lookup_entry VALUES (999, 'x', 'y')"))).SqlState.ShouldBe("23503");
    }

    [Fact]
    public async Task A_table_keeps_its_kind_when_postmap_makes_it_again_and_its_rules_are_kept()
    {
        var writer = new LookupWriter(database.DataSource);
        await writer.BuildAsync("/t", LookupKind.Transport, new Dictionary<string, string> { ["a"] = "smtp:", ["b"] = ":x" }, false, Stop);
        await writer.BuildAsync("/t", LookupKind.Map, new Dictionary<string, string> { ["a"] = "lmtp:" }, false, Stop);
        (await ScalarAsync("SELECT string_agg(pattern || '>' || transport, ' ') FROM mta.transport")).ShouldBe("a>lmtp");
        var entries = new Dictionary<string, string> { ["x"] = "ok:", ["a"] = "not a transport" };
        var broken = await Should.ThrowAsync<StorageException>(async () => await writer.BuildAsync("/new", LookupKind.Transport, entries, false, Stop));
        LookupWriter.IsRuleBroken(broken).ShouldBeTrue();
        broken.Message.ShouldBe(
            "/new: the entry \"a\" breaks the rule transport_names_a_service_and_a_next_hop (transport: a service of master.cf, of letters, digits, dot, hyphen and underscore, or empty; nexthop: [host]:port, a domain, or what the service takes)");
        await writer.BuildAsync("/t", LookupKind.Aliases, entries, false, Stop);
        (await store.ReadKindAsync("/t", Stop)).ShouldBe(LookupKind.Aliases);
        (await ScalarAsync("SELECT count(*) FROM mta.aliases")).ShouldBe(2L);
    }

    [Fact]
    public async Task Rules_of_patterns_are_ordered()
    {
        await SqlAsync("INSERT INTO mta.pattern (map, type, rule) VALUES ('p', 'pcre', '/b/ B'), ('p', 'pcre', 'if !/x/'), ('p', 'pcre', 'ENDIF')");
        await SqlAsync("INSERT INTO mta.pattern VALUES ('p', 'pcre', 5, '!/a/i A'); UPDATE mta.pattern SET position = 7 WHERE position = 10");
        var version = (await store.ReadVersionsAsync(["p"], Stop)).Single();
        (await store.ReadRulesAsync(version.Id, Stop)).ShouldBe([(5, "!/a/i A"), (7, "/b/ B"), (20, "if !/x/"), (30, "ENDIF")]);
        await SqlAsync("DELETE FROM mta.pattern WHERE position > 5");
        (await store.ReadVersionsAsync(["p"], Stop)).Single().ShouldNotBe(version);
        (await store.ReadRulesAsync(version.Id, Stop)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_role_may_be_given_one_view_and_nothing_else()
    {
        await SqlAsync("GRANT SELECT, INSERT, UPDATE, DELETE ON mta.virtual TO mta_report");
        await SqlAsync("""
            SET ROLE mta_report;
            INSERT INTO mta.virtual (address, targets) VALUES ('a', 'b');
            UPDATE mta.virtual SET targets = 'c';
            RESET ROLE
            """);
        (await store.FindAsync("virtual", "a", Stop)).Value.ShouldBe("c");
        foreach (var sql in (string[])["INSERT INTO mta.transport (pattern) VALUES ('a')", "SELECT FROM mta.lookup", "SELECT mta.lookup_put('a', NULL, 'b', 'c')"])
        {
            (await Should.ThrowAsync<PostgresException>(() => SqlAsync($"SET ROLE mta_report; {sql}"))).SqlState.ShouldBe("42501");
        }
    }

    [Fact]
    public async Task Administrators_write_through_every_view()
    {
        await SqlAsync("""
            SET ROLE mta_admin;
            INSERT INTO mta.aliases (name, targets) VALUES ('a', 'b');
            INSERT INTO mta.transport (pattern, transport) VALUES ('a', 'b');
            INSERT INTO mta.pattern (map, type, rule) VALUES ('p', 'cidr', 'if 10.0.0.0/8'), ('p', 'cidr', '![::1]/128 x');
            DELETE FROM mta.aliases; UPDATE mta.transport SET nexthop = 'x'; DELETE FROM mta.pattern;
            INSERT INTO mta.lookup VALUES ('m', 'k', 'v'); DELETE FROM mta.lookup_table; RESET ROLE
            """);
        (await ScalarAsync("SELECT count(*) FROM mta.lookup_entry")).ShouldBe(0L);
    }

    [Fact]
    public void Words_in_the_database_are_frozen() => LookupKinds.Names.ShouldBe(
        ["map", "aliases", "canonical", "virtual", "transport", "relocated", "access", "generic", "bcc", "sender_login", "mailbox", "relayhost", "cidr", "regexp", "pcre"],
        ignoreOrder: true);

    private async Task SqlAsync(string sql)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(Stop);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Stop);
    }

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var command = database.DataSource.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Stop);
    }
}
