using Mta.Services.Maps.Stored;
using Mta.Storage.Maps;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Maps;

public sealed class TableWatcherTests
{
    [Fact]
    public async Task A_table_that_cannot_be_read_does_not_hide_changes_of_the_others()
    {
        var token = TestContext.Current.CancellationToken;
        await using var database = await TestDatabase.CreateAsync();
        await using var source = NpgsqlDataSource.Create(database.ConnectionString);
        var warnings = new List<string>();
        await using var watcher = new TableWatcher(new LookupStore(source), new ManualTime(), warnings.Add);
        var (broken, whole) = (new Watched("/broken", fails: true), new Watched("/whole", fails: false));
        watcher.Watch(broken);
        watcher.Watch(whole);

        await watcher.PollAsync(token);
        await watcher.PollAsync(token);

        (broken.Asked, whole.Asked).ShouldBe((2, 2));
        warnings.ShouldBe(["cannot see changes of lookup tables: no way"]);
    }

    private sealed class Watched(string name, bool fails) : IWatchedTable
    {
        public int Asked { get; private set; }

        public string Reference => "hash:" + name;

        public string Name => name;

        public Task ReadAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public ValueTask RefreshAsync(StoredTableVersion? found, CancellationToken cancellationToken)
        {
            Asked++;
            return fails ? throw new InvalidOperationException("no way") : default;
        }
    }
}
