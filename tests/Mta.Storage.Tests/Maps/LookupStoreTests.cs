using Mta.Storage.Maps;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Maps;

public sealed class LookupStoreTests : IAsyncLifetime
{
    private const string Name = "/etc/postfix/virtual";

    private TestDatabase database = null!;
    private LookupStore store = null!;
    private LookupWriter writer = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        store = new LookupStore(database.DataSource);
        writer = new LookupWriter(database.DataSource);
    }

    public ValueTask DisposeAsync() => database.DisposeAsync();

    [Fact]
    public async Task A_build_replaces_the_whole_table()
    {
        await BuildAsync(("a", "1"), ("b", "2"));
        await BuildAsync(("b", "3"), ("c", "4"));

        (await AllAsync()).ShouldBe(["b 3", "c 4"]);
        await using var stage = database.DataSource.CreateCommand("SELECT count(*) FROM mta.lookup_stage");
        (await stage.ExecuteScalarAsync(Stop)).ShouldBe(0L);
        (await store.FindAsync(Name, "b", Stop)).ShouldBe(new StoredAnswer(true, "3"));
        (await store.FindAsync(Name, "a", Stop)).ShouldBe(new StoredAnswer(true, null));
        (await store.FindAsync("/none", "a", Stop)).ShouldBe(new StoredAnswer(false, null));
        (await store.FindManyAsync([Name], ["a", "c", "x"], Stop))[Name].ShouldBe(new Dictionary<string, string> { ["c"] = "4" });
        (await store.FindManyAsync([Name, "/none"], ["x"], Stop)).ShouldHaveSingleItem().Value.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_build_can_leave_an_existing_table_alone()
    {
        var entries = new Dictionary<string, string> { ["a"] = "new" };
        await BuildAsync(("a", "old"));
        (await writer.BuildAsync(Name, LookupKind.Map, entries, onlyIfMissing: true, Stop)).ShouldBeFalse();
        (await writer.BuildAsync("/other", LookupKind.Aliases, entries, onlyIfMissing: true, Stop)).ShouldBeTrue();
        (await AllAsync()).ShouldBe(["a old"]);
    }

    [Fact]
    public async Task A_reader_sees_the_old_table_while_the_new_one_is_built()
    {
        await BuildAsync(("a", "old"));
        await using var connection = await database.DataSource.OpenConnectionAsync(Stop);
        await using var transaction = await connection.BeginTransactionAsync(Stop);
        await ExecuteAsync(connection, "DELETE FROM mta.lookup_entry; INSERT INTO mta.lookup VALUES ('/etc/postfix/virtual', 'a', 'new')");
        (await AllAsync()).ShouldBe(["a old"]);
        await transaction.CommitAsync(Stop);
        (await AllAsync()).ShouldBe(["a new"]);
    }

    [Fact]
    public async Task Entries_are_added_replaced_and_deleted_one_by_one()
    {
        (await AddAsync(replace: false, ("a", "1"), ("b", "2"))).ShouldBeEmpty();
        (await AddAsync(replace: false, ("b", "x"), ("c", "3"))).ShouldBe(["b"]);
        (await AddAsync(replace: true, ("c", "4"))).ShouldBeEmpty();
        (await writer.DeleteAsync(Name, ["a", "none"], Stop)).ShouldBe(1);
        (await AllAsync()).ShouldBe(["b 2", "c 4"]);
    }

    [Theory]
    [InlineData("INSERT INTO mta.map_entry (table_id, key, value) SELECT id, 'b', '2' FROM mta.lookup_table")]
    [InlineData("UPDATE mta.map_entry SET value = '2'")]
    [InlineData("DELETE FROM mta.map_entry")]
    [InlineData("TRUNCATE mta.map_entry")]
    [InlineData("TRUNCATE mta.lookup_entry")]
    public async Task A_change_is_seen_that_names_a_partition(string sql)
    {
        await BuildAsync(("a", "1"));
        var before = (await store.ReadVersionsAsync([Name], Stop))[0].Version;
        await using var connection = await database.DataSource.OpenConnectionAsync(Stop);
        await ExecuteAsync(connection, sql);
        (await store.ReadVersionsAsync([Name], Stop))[0].Version.ShouldBeGreaterThan(before);
    }

    [Fact]
    public async Task More_entries_than_the_limit_are_not_read()
    {
        await BuildAsync([.. Enumerable.Range(0, 12000).Select(i => ($"k{i}", "v"))]);
        var id = (await store.ReadVersionsAsync([Name], Stop))[0].Id;
        (await store.ReadEntriesAsync(id, 11999, (_, _) => true, Stop)).ShouldBeFalse();
        var count = 0;
        (await store.ReadEntriesAsync(id, 12000, (_, _) => ++count > 0, Stop)).ShouldBeTrue();
        count.ShouldBe(12000);
        (await store.ReadEntriesAsync(id, 12000, (_, _) => false, Stop)).ShouldBeFalse();
    }

    [Theory]
    [InlineData("INSERT INTO mta.lookup_entry SELECT id, 'z', 'z' FROM mta.lookup_table")]
    [InlineData("UPDATE mta.lookup_entry SET value = 'z'")]
    [InlineData("DELETE FROM mta.lookup_entry WHERE key = 'a'")]
    [InlineData("TRUNCATE mta.lookup_entry")]
    [InlineData("INSERT INTO mta.lookup VALUES ('/etc/postfix/virtual', 'A', 'z')")]
    [InlineData("UPDATE mta.lookup SET value = 'z'")]
    [InlineData("UPDATE mta.lookup SET table_name = '/moved'")]
    [InlineData("DELETE FROM mta.lookup WHERE key = 'a'")]
    [InlineData("UPDATE mta.lookup_table SET name = '/gone'")]
    [InlineData("DELETE FROM mta.lookup_table")]
    public async Task Any_change_by_sql_changes_the_version(string sql)
    {
        await BuildAsync(("a", "1"));
        var before = await store.ReadVersionsAsync([Name], Stop);
        await using var connection = await database.DataSource.OpenConnectionAsync(Stop);
        await ExecuteAsync(connection, sql);
        (await store.ReadVersionsAsync([Name], Stop)).ShouldNotBe(before);
    }

    [Fact]
    public async Task The_view_folds_keys_and_makes_tables()
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(Stop);
        await ExecuteAsync(connection, "INSERT INTO mta.lookup VALUES ('/etc/postfix/virtual', 'Info@Example.com', 'alice'), ('/etc/postfix/virtual', 'info@example.com', 'bob')");
        (await AllAsync()).ShouldBe(["info@example.com bob"]);
        await ExecuteAsync(connection, "UPDATE mta.lookup SET key = 'Sales@Example.com' WHERE key = 'info@example.com'");
        (await AllAsync()).ShouldBe(["sales@example.com bob"]);
    }

    [Theory]
    [InlineData("mta_daemon")]
    [InlineData("mta_admin")]
    public async Task Daemon_and_administrators_may_build_and_change_tables(string role)
    {
        await using var owner = database.DataSource.CreateCommand("DO $$BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()); END$$");
        await owner.ExecuteNonQueryAsync(Stop);
        await using var source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(database.ConnectionString) { Options = $"-c role={role}" }.ConnectionString);
        var entries = new Dictionary<string, string> { ["a"] = "1" };
        (await new LookupWriter(source).BuildAsync(Name, LookupKind.Map, entries, onlyIfMissing: true, Stop)).ShouldBeTrue();
        await using var command = source.CreateCommand("INSERT INTO mta.lookup VALUES ('/etc/postfix/virtual', 'B', '2')");
        await command.ExecuteNonQueryAsync(Stop);
        (await AllAsync()).ShouldBe(["a 1", "b 2"]);
    }

    [Fact]
    public async Task A_table_that_cannot_be_read_is_a_failure_to_try_again()
    {
        await using var source = NpgsqlDataSource.Create("Host=/nonexistent;Username=x;Timeout=2");
        var failure = await Should.ThrowAsync<StorageException>(async () => await new LookupStore(source).FindAsync(Name, "a", Stop));
        failure.Failure.ShouldBe(StorageFailure.Retry);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Stop);
    }

    private async Task BuildAsync(params (string Key, string Value)[] entries) =>
        await writer.BuildAsync(Name, LookupKind.Map, entries.ToDictionary(e => e.Key, e => e.Value), onlyIfMissing: false, Stop);

    private async Task<IReadOnlyList<string>> AddAsync(bool replace, params (string Key, string Value)[] entries) =>
        await writer.AddAsync(Name, LookupKind.Map, entries.ToDictionary(e => e.Key, e => e.Value), replace, Stop);

    private async Task<List<string>> AllAsync()
    {
        var all = new List<string>();
        await store.ReadAllAsync(Name, (key, value) => all.Add($"{key} {value}"), Stop);
        return all;
    }
}
