using System.Collections.Concurrent;
using System.Text;
using Mta.Core.Config;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Services.Pickup;
using Mta.Storage.Maildrop;
using Mta.Storage.Queue;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Pickup;

/// <summary>Pickup over a real database, with a cleanup that notes what it gets and deletes from maildrop as the queue does.</summary>
internal sealed class PickupFixture : ICleanup, INotifications, ILogSink, IAsyncDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("mta-pickup-");
    private readonly ConcurrentQueue<string> log = new();
    private readonly SemaphoreSlim changed = new(0);
    private long lastId;

    private PickupFixture(TestDatabase database)
    {
        Database = database;
        Ports = new PickupPorts
        {
            Store = new MaildropStore(database.DataSource),
            Writer = new MaildropWriter(database.DataSource),
            Cleanup = this,
            Notifications = this,
            NextId = () => QueueId.Create(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1000 + Interlocked.Increment(ref lastId), 16),
            Log = new MailLog(this),
        };
        Settings = new Settings([new("queue_directory", directory.FullName), new("myhostname", "mx.example.com")]);
        Spool = SpoolDirectory.In(directory.FullName);
        Directory.CreateDirectory(Spool.Path);
    }

    public TestDatabase Database { get; }

    public PickupPorts Ports { get; }

    public Settings Settings { get; }

    public SpoolDirectory Spool { get; }

    public ConcurrentQueue<Taken> Messages { get; } = new();

    public IReadOnlyCollection<string> LogLines => log;

    /// <summary>What cleanup answers; queued by default.</summary>
    public Func<CleanupRequest, CleanupResult> Answer { get; set; } = _ => new(CleanupOutcome.Queued);

    public static async Task<PickupFixture> CreateAsync() => new(await TestDatabase.CreateAsync());

    public static MemoryStream Bytes(string text) => new(Encoding.Latin1.GetBytes(text));

    public Task SubmitAsync(string content, string sender = "alice@example.com", long? uid = 1000, params string[] recipients) =>
        Ports.Writer.SubmitAsync(
            new Submission { Sender = sender, Recipients = recipients.Length == 0 ? ["bob@example.org"] : recipients, UserId = uid }, Bytes(content), CancellationToken.None);

    /// <summary>Runs pickup until the condition holds.</summary>
    public async Task RunUntilAsync(Func<bool> condition)
    {
        await using var pickup = new PickupService(Ports, Settings);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var running = pickup.RunAsync(stop.Token);
        while (!condition())
        {
            (await changed.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken)).ShouldBeTrue(string.Join('\n', log));
        }

        await stop.CancelAsync();
        await running;
    }

    public async Task<long> CountAsync(string table)
    {
        await using var command = Database.DataSource.CreateCommand($"SELECT count(*) FROM {table}");
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    public ICleanupTransaction Begin(CleanupRequest request) => new Transaction(this, request);

    public ValueTask<Notification> BuildAsync(
        NotificationKind kind, Envelope envelope, IMessageContent content, IReadOnlyList<RecipientOutcome> outcomes, Func<QueueId> nextId, CancellationToken cancellationToken) =>
        new(new Notification(envelope.Sender.Length == 0
            ? null
            : new NewMessage
            {
                Envelope = new Envelope { Id = nextId(), Sender = "" },
                Recipients = [new Recipient { Number = 0, Address = envelope.Sender }],
                Content = Encoding.ASCII.GetBytes($"Subject: returned\n\n{outcomes.Count} {outcomes[0].Status.Dsn} {outcomes[0].Status.Text}\n"),
            }));

    public void Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text)
    {
        log.Enqueue($"{tag}: {Encoding.UTF8.GetString(text)}");
        changed.Release();
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        directory.Delete(recursive: true);
        changed.Dispose();
    }

    internal sealed record Taken(CleanupRequest Request, IReadOnlyList<string> Recipients, string Header, string Content);

    private sealed class Transaction(PickupFixture fixture, CleanupRequest request) : ICleanupTransaction
    {
        private readonly List<string> recipients = [];
        private readonly MemoryStream content = new();
        private string header = "";

        public QueueId Id => request.Id;

        public string IdText => request.Id.ToString();

        public MessageActions Actions { get; } = new();

        public void AddRecipient(string address, DsnNotify notify = DsnNotify.Default, string? originalRecipient = null) => recipients.Add(address);

        public void PrependHeader(string header) => this.header = header;

        public void Append(ReadOnlySpan<byte> content) => this.content.Write(content);

        public ValueTask FlushAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public async ValueTask<CleanupResult> FinishAsync(CancellationToken cancellationToken)
        {
            var result = fixture.Answer(request);
            if (result.Outcome == CleanupOutcome.Queued)
            {
                await using var command = fixture.Database.DataSource.CreateCommand(MaildropSql.Finish);
                command.Parameters.Add(new NpgsqlParameter { Value = new[] { request.MaildropId } });
                await command.ExecuteNonQueryAsync(cancellationToken);
                fixture.Messages.Enqueue(new Taken(request, recipients, header, Encoding.Latin1.GetString(content.ToArray())));
            }

            fixture.changed.Release();
            return result;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
