using System.Collections.Concurrent;
using System.Globalization;
using Mta.Storage.Nodes;
using Mta.Storage.Shares;
using Mta.Testing;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Shares;

/// <summary>The statement that grants shares of limits: whatever nodes do, their parts and grants together stay within the limit.</summary>
public sealed class ExchangeSharesTests
{
    private const string Name = "smtp:example.com";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_node_that_is_alone_uses_all_and_leaves_no_row()
    {
        await using var cluster = await Cluster.CreateAsync(1);
        (await cluster.ExchangeAsync(0, known: 0, Ask(20, held: 0, wanted: 9))).Nodes.ShouldBe(1);
        (await cluster.SharesAsync()).ShouldBe("");
    }

    [Fact]
    public async Task A_node_that_joins_gets_nothing_before_the_others_divide()
    {
        await using var cluster = await Cluster.CreateAsync(2);
        await cluster.ExchangeAsync(0, 0);
        await cluster.LiveAsync(1);

        // The first one has not heard of it: the whole limit is its own.
        var joining = await cluster.ExchangeAsync(1, 0, Ask(20, 0, 20));
        joining.Nodes.ShouldBe(0);
        joining.Answers.ShouldHaveSingleItem().Granted.ShouldBe(0);

        // It has 20 deliveries under way: 5 are its new part, 15 it holds for now.
        (await cluster.ExchangeAsync(0, 2, Ask(20, 15, 15))).Nodes.ShouldBe(2);
        joining = await cluster.ExchangeAsync(1, 0, Ask(20, 0, 20));
        joining.Nodes.ShouldBe(0, "the destination has no room for a part of its own yet");
        joining.Answers[0].Granted.ShouldBe(0);

        // They end.
        (await cluster.ExchangeAsync(0, 2, Ask(20, 3, 3))).Answers[0].OthersWant.ShouldBeTrue();
        joining = await cluster.ExchangeAsync(1, 0, Ask(20, 0, 20));
        joining.Nodes.ShouldBe(2);
        joining.Answers[0].Granted.ShouldBe(7);
    }

    [Fact]
    public async Task A_node_that_dies_frees_its_share_with_its_epoch()
    {
        await using var cluster = await Cluster.CreateAsync(3);
        await cluster.AllJoinAsync(3);
        (await cluster.ExchangeAsync(0, 3, Ask(2, 0, 2))).Answers[0].Granted.ShouldBe(2);
        (await cluster.ExchangeAsync(1, 3, Ask(2, 0, 2))).Answers[0].Granted.ShouldBe(0);

        (await cluster.Registry.EndAsync(cluster.Epochs[0], Cancel)).ShouldBeTrue();
        (await cluster.ExchangeAsync(1, 3, Ask(2, 0, 2))).Answers[0].Granted.ShouldBe(2);
        (await cluster.ExchangeAsync(0, 3, Ask(2, 2, 2))).Nodes.ShouldBeNull("an ended epoch holds nothing");
        (await cluster.SharesAsync()).ShouldBe("b 2/2");
    }

    [Fact]
    public async Task A_slot_is_freed_for_whoever_has_waited_longest()
    {
        await using var cluster = await Cluster.CreateAsync(3);
        await cluster.AllJoinAsync(3);
        (await cluster.ExchangeAsync(0, 3, Ask(1, 0, 1))).Answers[0].Granted.ShouldBe(1);
        (await cluster.ExchangeAsync(1, 3, Ask(1, 0, 1))).Answers[0].Granted.ShouldBe(0);
        (await cluster.ExchangeAsync(2, 3, Ask(1, 0, 1))).Answers[0].Granted.ShouldBe(0);

        // It gives back and asks again in one: others are first.
        var back = (await cluster.ExchangeAsync(0, 3, Ask(1, 0, 1))).Answers[0];
        back.Granted.ShouldBe(0);
        back.OthersStarve.ShouldBeTrue();
        (await cluster.ExchangeAsync(2, 3, Ask(1, 0, 1))).Answers[0].Granted.ShouldBe(0);
        (await cluster.ExchangeAsync(1, 3, Ask(1, 0, 1))).Answers[0].Granted.ShouldBe(1);
    }

    [Fact]
    public async Task Who_wants_more_gets_a_fair_part_of_it_while_others_want_too_and_all_of_it_otherwise()
    {
        await using var cluster = await Cluster.CreateAsync(3);
        await cluster.AllJoinAsync(3);

        // 3 for each without asking; 11 are left.
        (await cluster.ExchangeAsync(0, 3, Ask(20, 0, 17))).Answers[0].Granted.ShouldBe(11);
        (await cluster.ExchangeAsync(1, 3, Ask(20, 0, 17))).Answers[0].Granted.ShouldBe(0);
        var answer = (await cluster.ExchangeAsync(0, 3, Ask(20, 11, 17))).Answers[0];
        (answer.OthersWant, answer.Fair).ShouldBe((true, 6));
        (await cluster.ExchangeAsync(0, 3, Ask(20, 6, 17))).Answers[0].Granted.ShouldBe(6);
        (await cluster.ExchangeAsync(1, 3, Ask(20, 0, 17))).Answers[0].Granted.ShouldBe(5);
    }

    [Fact]
    public async Task The_next_holder_hears_when_a_rate_delay_ends()
    {
        await using var cluster = await Cluster.CreateAsync(2);
        await cluster.AllJoinAsync(2);
        await cluster.ExchangeAsync(0, 2, new ShareAsk(Name, 1, 0, 1, 60, 0));
        await cluster.ExchangeAsync(0, 2, new ShareAsk(Name, 1, 0, 0, 60, 50));
        var next = (await cluster.ExchangeAsync(1, 2, new ShareAsk(Name, 1, 0, 1, 60, 0))).Answers[0];
        next.Granted.ShouldBe(1);
        next.Wait.ShouldBeInRange(30, 50);

        // Whoever dies as the holder may have delivered a moment before.
        await cluster.Registry.EndAsync(cluster.Epochs[1], Cancel);
        (await cluster.ScalarAsync<double>("SELECT extract(epoch FROM not_before - clock_timestamp())::float8 FROM mta_store.destination_share")).ShouldBeInRange(40, 60);
    }

    [Fact]
    public async Task Whatever_nodes_ask_for_at_the_same_time_their_sum_stays_within_the_limit()
    {
        await using var cluster = await Cluster.CreateAsync(4);
        await cluster.AllJoinAsync(4);
        int[] limits = [1, 2, 7, 20];
        var held = new ConcurrentDictionary<(int Node, int Limit), int>();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async node =>
        {
            var random = new Random(node);
            for (var i = 0; i < 150; i++)
            {
                // Lowers what it uses before it says so, as a node does; raises it when it is granted.
                var asks = limits.Select(limit =>
                {
                    var keep = random.Next(held.GetValueOrDefault((node, limit)) + 1);
                    held[(node, limit)] = keep;
                    return new ShareAsk("smtp:" + limit.ToString(CultureInfo.InvariantCulture), limit, keep, keep + random.Next(limit), 0, 0);
                }).ToArray();
                var result = await cluster.ExchangeAsync(node, 4, asks);
                for (var l = 0; l < limits.Length; l++)
                {
                    held[(node, limits[l])] = result.Answers[l].Granted;
                    var parts = 4 * (limits[l] / 8);
                    (parts + Enumerable.Range(0, 4).Sum(n => held.GetValueOrDefault((n, limits[l])))).ShouldBeLessThanOrEqualTo(limits[l]);
                }
            }
        }));
    }

    private static ShareAsk Ask(int slots, int held, int wanted) => new(Name, slots, held, wanted, 0, 0);

    private sealed class Cluster(TestDatabase database) : IAsyncDisposable
    {
        public NodeRegistry Registry { get; } = new(database.DataSource);

        public List<NodeEpoch> Epochs { get; } = [];

        public static async Task<Cluster> CreateAsync(int nodes)
        {
            var cluster = new Cluster(await TestDatabase.CreateAsync());
            for (var i = 0; i < nodes; i++)
            {
                var name = ((char)('a' + i)).ToString();
                cluster.Epochs.Add((await cluster.Registry.BeginAsync(new NodeIdentity(name, name, "host", 1, "0"), TimeSpan.FromMinutes(1), Cancel))!);
            }

            return cluster;
        }

        public Task<ShareExchangeResult> ExchangeAsync(int node, int known, params ShareAsk[] asks) =>
            new ShareStore(database.DataSource).ExchangeAsync(Epochs[node], known, asks, Cancel).AsTask();

        public async Task LiveAsync(int node) => (await new ShareStore(database.DataSource).ReadAsync(Epochs[node], Cancel)).DeliveringNodes.ShouldBe(node + 1);

        /// <summary>All of them divide by so many.</summary>
        public async Task AllJoinAsync(int count)
        {
            for (var round = 0; round < 2; round++)
            {
                for (var node = 0; node < count; node++)
                {
                    await ExchangeAsync(node, round == 0 ? 0 : count);
                }
            }

            for (var node = 0; node < count; node++)
            {
                (await ExchangeAsync(node, count)).Nodes.ShouldBe(count);
            }
        }

        public async Task<string> SharesAsync() => await ScalarAsync<string>(
            "SELECT coalesce(string_agg(n.name || ' ' || s.granted || '/' || s.wanted, ', ' ORDER BY n.name), '') FROM mta_store.destination_share s JOIN mta.node n ON n.epoch = s.epoch");

        public async Task<T> ScalarAsync<T>(string sql)
        {
            await using var command = database.DataSource.CreateCommand(sql);
            return (T)(await command.ExecuteScalarAsync(Cancel))!;
        }

        public ValueTask DisposeAsync() => database.DisposeAsync();
    }
}
