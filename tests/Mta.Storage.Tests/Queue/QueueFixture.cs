using System.Text;
using Mta.Core.Delivery;
using Mta.Core.Queue;
using Mta.Storage.Connections;
using Mta.Storage.Nodes;
using Mta.Storage.Queue;
using Mta.Testing;
using Npgsql;

namespace Mta.Storage.Tests.Queue;

/// <summary>A database with one live node.</summary>
internal sealed class QueueFixture : IAsyncDisposable
{
    private readonly TestDatabase database;

    private QueueFixture(TestDatabase database, NodeRegistry nodes, NodeEpoch epoch)
    {
        this.database = database;
        Nodes = nodes;
        Epoch = epoch;
        Source = Database.Connect(database.ConnectionString).CreateDataSource(DatabaseRole.Daemon, "test", 10, QueueDataSource.Configure);
        Ids = new QueueIdSource(TimeProvider.System, epoch.Number, epoch.IdFloor);
        Accept = new AcceptCombiner(Source, () => Epoch, 2);
        Completions = new CompletionCombiner(Source, 1, Warnings.Add) { GatherTime = TimeSpan.FromMilliseconds(1) };
        Reader = new QueueReader(Source);
    }

    public static NodeIdentity Identity { get; } = new("node-a", "secret", "host", 1, "0");

    public NodeRegistry Nodes { get; }

    public NodeEpoch Epoch { get; set; }

    public DatabasePool Source { get; }

    public QueueIdSource Ids { get; }

    public AcceptCombiner Accept { get; }

    public CompletionCombiner Completions { get; }

    public QueueReader Reader { get; }

    public List<string> Warnings { get; } = [];

    public static async Task<QueueFixture> CreateAsync()
    {
        var database = await TestDatabase.CreateAsync();
        var nodes = new NodeRegistry(database.DataSource);
        var epoch = await nodes.BeginAsync(Identity, TimeSpan.FromMinutes(1), default);
        return new QueueFixture(database, nodes, epoch!);
    }

    /// <summary>Connections as another role.</summary>
    public DatabasePool As(string role) =>
        NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database.ConnectionString) { Options = "-c role=" + role });

    public NewMessage Message(bool owned = true, string sender = "from@example.com", params string[] recipients) => new()
    {
        Envelope = new Envelope { Id = Ids.Next(), Sender = sender, Size = 20, RecipientCount = Math.Max(1, recipients.Length) },
        Recipients = [.. (recipients.Length == 0 ? ["to@example.org"] : recipients).Select((a, i) => new Recipient { Number = i, Address = a })],
        Content = Encoding.ASCII.GetBytes("Subject: x\n\nbody\n"),
        Owned = owned,
    };

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = database.DataSource.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = database.DataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Content of all messages so far, as if it had outlived its slots.</summary>
    public Task SettleContentAsync() => ExecuteAsync(
        "INSERT INTO mta_store.content SELECT message_id, chunk, data FROM mta_store.new_content; TRUNCATE mta_store.new_content");

    /// <summary>Pieces of content, of messages in a queue.</summary>
    public Task<long> CountContentAsync() => CountAsync("any_content WHERE mta_store.is_queued(message_id)");

    public Task<long> CountAsync(string table) => ScalarAsync<long>($"SET search_path = mta_store, mta; SELECT count(*) FROM {table}");

    public async ValueTask DisposeAsync()
    {
        await Accept.DisposeAsync();
        await Completions.DisposeAsync();
        await Source.DisposeAsync();
        await database.DisposeAsync();
    }
}

/// <summary>A completion that a test waits for.</summary>
internal sealed class TestCompletion : Completion
{
    private readonly TaskCompletionSource<bool> done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>True when it was stale.</summary>
    public Task<bool> Done => done.Task.WaitAsync(TimeSpan.FromSeconds(30));

    public static DeliveryRecord Record(int number, DeliveryAction action, string reason = "250 ok") =>
        new(number, action, "to@example.org", null, "smtp", "host[192.0.2.1]:25", action == DeliveryAction.Sent ? "2.0.0" : "4.4.1", reason, 0.1f, 0, 0, 0);

    public override void Committed(bool stale) => done.TrySetResult(stale);
}
