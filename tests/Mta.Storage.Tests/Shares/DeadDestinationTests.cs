using Mta.Storage.Nodes;
using Mta.Storage.Queue;
using Mta.Storage.Shares;
using Mta.Testing;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Shares;

public sealed class DeadDestinationTests
{
    private const string Reason = "delivery temporarily suspended: connect to example.com[192.0.2.1]:25: Connection refused";
    private static readonly NodeEpoch Finder = new("a", 1, 16, 0);
    private static readonly NodeEpoch Other = new("b", 2, 17, 0);

    private const string Expire = "UPDATE mta_store.dead_destination SET dead_until = now() - interval '1 s' WHERE dead_until > now()";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_one_node_finds_dead_the_others_hear_once_and_that_it_lives_again_too()
    {
        await using var database = await TestDatabase.CreateAsync();
        var finder = new ShareStore(database.DataSource);
        var other = new ShareStore(database.DataSource);
        (await other.ReadAsync(Other, Cancel)).News.ShouldBeEmpty();

        await finder.PublishAsync(Finder, [new DestinationNews("smtp:example.com", "example.com", 300, "4.4.1", Reason)], Cancel);
        var heard = (await other.ReadAsync(Other, Cancel)).News.ShouldHaveSingleItem();
        heard.Reason.ShouldBe(Reason);
        heard.Seconds.ShouldBeInRange(250, 300);
        (await other.ReadAsync(Other, Cancel)).News.ShouldBeEmpty();
        (await finder.ReadAsync(Finder, Cancel)).News.ShouldBeEmpty("it knows");

        // A node that starts later hears of it as well.
        (await new ShareStore(database.DataSource).ReadAsync(Other, Cancel)).News.ShouldHaveSingleItem();

        await other.PublishAsync(Other, [new DestinationNews("smtp:example.com", "example.com", -1, "2.0.0", "")], Cancel);
        (await finder.ReadAsync(Finder, Cancel)).News.ShouldHaveSingleItem().Seconds.ShouldBeLessThan(0);
    }

    [Fact]
    public async Task Deferred_mail_for_a_dead_destination_waits_until_one_node_has_tried_it()
    {
        await using var database = await TestDatabase.CreateAsync();
        var store = new ShareStore(database.DataSource);
        var reader = new QueueReader(database.DataSource);
        await ExecuteAsync(database, "INSERT INTO mta_store.destination VALUES ('example.com', now())");
        await store.PublishAsync(Finder, [new DestinationNews("smtp:example.com", "example.com", 300, "4.4.1", Reason)], Cancel);
        (await reader.DueDestinationsAsync(10, Cancel)).ShouldBeEmpty();

        // Its time is over: one of them tries, and the others wait for what comes of it.
        await ExecuteAsync(database, "UPDATE mta_store.dead_destination SET dead_until = now() - interval '1 s'");
        (await reader.DueDestinationsAsync(10, Cancel)).ShouldHaveSingleItem().WasDead.ShouldBeTrue();
        (await store.ProbeAsync(Finder, "example.com", Cancel)).ShouldBeTrue();
        (await store.ProbeAsync(Other, "example.com", Cancel)).ShouldBeFalse();
        (await reader.DueDestinationsAsync(10, Cancel)).ShouldBeEmpty();

        await store.PublishAsync(Finder, [new DestinationNews("smtp:example.com", "example.com", -1, "2.0.0", "")], Cancel);
        (await reader.DueDestinationsAsync(10, Cancel)).ShouldHaveSingleItem().WasDead.ShouldBeFalse();
    }

    [Fact]
    public async Task A_destination_that_was_tried_without_an_answer_is_forgotten_the_next_time()
    {
        await using var database = await TestDatabase.CreateAsync();
        var store = new ShareStore(database.DataSource);
        var reader = new QueueReader(database.DataSource);
        await ExecuteAsync(database, "INSERT INTO mta_store.destination VALUES ('example.com', now())");

        // The transport is another one by now: nobody will ever say that it lives under this one, or that it is still dead.
        await store.PublishAsync(Finder, [new DestinationNews("relay:example.com", "example.com", 300, "4.4.1", Reason)], Cancel);
        await ExecuteAsync(database, Expire);
        (await store.ProbeAsync(Finder, "example.com", Cancel)).ShouldBeTrue();
        await ExecuteAsync(database, Expire);
        (await reader.DueDestinationsAsync(10, Cancel)).ShouldHaveSingleItem().WasDead.ShouldBeTrue();
        (await store.ProbeAsync(Other, "example.com", Cancel)).ShouldBeTrue();
        (await reader.DueDestinationsAsync(10, Cancel)).ShouldHaveSingleItem().WasDead.ShouldBeFalse();
        (await store.ReadAsync(Other, Cancel)).News.ShouldHaveSingleItem().Seconds.ShouldBeLessThan(0, "all nodes hear of it, the one that tried as well");
    }

    [Fact]
    public async Task A_destination_that_is_found_dead_again_is_tried_again()
    {
        await using var database = await TestDatabase.CreateAsync();
        var store = new ShareStore(database.DataSource);
        await ExecuteAsync(database, "INSERT INTO mta_store.destination VALUES ('example.com', now())");
        for (var i = 0; i < 3; i++)
        {
            await store.PublishAsync(Finder, [new DestinationNews("smtp:example.com", "example.com", 300, "4.4.1", Reason)], Cancel);
            await ExecuteAsync(database, Expire);
            (await store.ProbeAsync(Finder, "example.com", Cancel)).ShouldBeTrue();
            (await new QueueReader(database.DataSource).DueDestinationsAsync(10, Cancel)).ShouldBeEmpty("it is being tried");
        }
    }

    [Fact]
    public async Task Mail_for_a_destination_that_lives_does_not_wait_for_a_transport_under_which_it_was_tried()
    {
        await using var database = await TestDatabase.CreateAsync();
        var store = new ShareStore(database.DataSource);
        var reader = new QueueReader(database.DataSource);
        await ExecuteAsync(database, "INSERT INTO mta_store.destination VALUES ('example.com', now())");
        await store.PublishAsync(
            Finder,
            [new DestinationNews("relay:example.com", "example.com", 300, "4.4.1", Reason), new DestinationNews("smtp:example.com", "example.com", 300, "4.4.1", Reason)],
            Cancel);
        await store.PublishAsync(Finder, [new DestinationNews("smtp:example.com", "example.com", -1, "2.0.0", "")], Cancel);
        (await reader.DueDestinationsAsync(10, Cancel)).ShouldBeEmpty("its time under the other one is not over");
        await ExecuteAsync(database, Expire);
        (await store.ProbeAsync(Finder, "example.com", Cancel)).ShouldBeTrue();
        await store.PublishAsync(Finder, [new DestinationNews("smtp:example.com", "example.com", -1, "2.0.0", "")], Cancel);
        (await reader.DueDestinationsAsync(10, Cancel)).ShouldHaveSingleItem().WasDead.ShouldBeFalse();
    }

    [Theory]
    [InlineData("SELECT mta.flush('Example.com')")]
    [InlineData("SELECT mta.flush_all()")]
    public async Task Who_flushes_a_dead_destination_has_it_tried_by_all_nodes(string flush)
    {
        await using var database = await TestDatabase.CreateAsync();
        var store = new ShareStore(database.DataSource);
        await ExecuteAsync(database, "INSERT INTO mta_store.destination VALUES ('example.com', now() + interval '1 h')");
        await store.PublishAsync(Finder, [new DestinationNews("smtp:example.com", "example.com", 300, "4.4.1", Reason)], Cancel);
        await ExecuteAsync(database, flush);

        var due = (await new QueueReader(database.DataSource).DueDestinationsAsync(10, Cancel)).ShouldHaveSingleItem();
        (due.Flushed, due.WasDead).ShouldBe((true, false));
        (await store.ReadAsync(Finder, Cancel)).News.ShouldHaveSingleItem().Seconds.ShouldBeLessThan(0);
    }

    [Fact]
    public async Task The_view_shows_what_is_known_of_a_destination()
    {
        await using var database = await TestDatabase.CreateAsync();
        await ExecuteAsync(database, "INSERT INTO mta_store.destination VALUES ('example.com', now() + interval '1 h')");
        await ExecuteAsync(database, "SELECT mta.suspend('example.net')");
        await new ShareStore(database.DataSource).PublishAsync(Finder, [new DestinationNews("smtp:example.com", "example.com", 300, "4.4.1", Reason)], Cancel);
        await ExecuteAsync(database, "SELECT mta.begin_epoch('n1', 's', '1 min', 'h', 1, '0')");
        await ExecuteAsync(
            database,
            "INSERT INTO mta_store.destination_share (name, epoch, slots, granted, wanted, asked_at) SELECT 'smtp:example.org', epoch, 2, 1, 2, now() FROM mta.node");
        await using var command = database.DataSource.CreateCommand(
            "SELECT string_agg(concat_ws('|', name, reason, found_by, suspended_until, shares), E'\\n' ORDER BY name) FROM mta.destination");
        ((string)(await command.ExecuteScalarAsync(Cancel))!).ShouldBe(
            $"example.com|{Reason}|a\nexample.net|infinity\nexample.org|" + """{"n1 smtp": {"wanted": 2, "granted": 1}}""");
    }

    private static async Task ExecuteAsync(TestDatabase database, string sql)
    {
        await using var command = database.DataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancel);
    }
}
