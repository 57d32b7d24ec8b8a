using System.Text;
using Mta.Core.Queue;
using Mta.Services.Cleanup;
using Mta.Services.Clients;
using Mta.Services.Maps;
using Mta.Services.Tests.TrivialRewrite;
using Mta.Services.TrivialRewrite;
using Mta.Storage;
using Mta.Storage.Queue;
using Xunit;

namespace Mta.Services.Tests.Cleanup;

/// <summary>A cleanup service over main.cf text; messages in, what would be queued out.</summary>
internal sealed class CleanupTestBed
{
    public const string MainCf =
        """
        compatibility_level = 3.12
        myhostname = mx.example.org
        mydomain = example.org
        myorigin = $myhostname
        mydestination = $myhostname, localhost, local.example
        inet_interfaces = 127.0.0.1
        recipient_delimiter = +
        """;

    private readonly CleanupService service;

    public CleanupTestBed(string changes = "", MemoryIntake? intake = null)
    {
        var settings = ResolverTestBed.Parse(MainCf + "\n" + changes);
        var log = new MailLog(Log);
        var tables = new TableRegistry(log, TimeProvider.System);
        Intake = intake ?? new MemoryIntake();
        service = new CleanupService(settings, new AddressResolver(settings, tables, log), tables, Intake, log, new FixedTime());
    }

    public ListLog Log { get; } = new();

    public IRecipientExpansion Expansion => service;

    public IInternalMailChecks Checks => service;

    public MemoryIntake Intake { get; }

    /// <summary>Log lines of cleanup without the queue id.</summary>
    public IEnumerable<string> LogLines => Log.Lines.Select(l => l.Replace(Intake.LastId.ToString(), "QID", StringComparison.Ordinal));

    public ICleanupTransaction Begin(CleanupRequest request) => service.Begin(request);

    public async Task<CleanupResult> SendAsync(
        string content, bool local = true, string sender = "s@x.example", string[]? recipients = null, int cut = int.MaxValue, string[]? prepend = null)
    {
        await using var message = service.Begin(new CleanupRequest { Sender = sender, LocalContext = local });
        foreach (var recipient in recipients ?? ["r@far.example"])
        {
            message.AddRecipient(recipient);
        }

        foreach (var header in prepend ?? [])
        {
            message.PrependHeader(header);
        }

        var bytes = Encoding.Latin1.GetBytes(content);
        for (var at = 0; at < bytes.Length; at += cut)
        {
            message.Append(bytes.AsSpan(at, Math.Min(cut, bytes.Length - at)));
            await message.FlushAsync(TestContext.Current.CancellationToken);
            if (cut == int.MaxValue)
            {
                break;
            }
        }

        return await message.FinishAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>The content of a message that must be queued, with its queue id as QID.</summary>
    public async Task<string> PassAsync(string content, bool local = true, int cut = int.MaxValue, string sender = "s@x.example")
    {
        var result = await SendAsync(content, local, sender, cut: cut);
        return result.Outcome == CleanupOutcome.Queued
            ? Intake.LastContent.Replace(Intake.LastId.ToString(), "QID", StringComparison.Ordinal)
            : result.Outcome.ToString();
    }

    private sealed class FixedTime : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2026, 11, 5, 1, 2, 3, TimeSpan.Zero);
    }
}

/// <summary>A queue in memory.</summary>
internal sealed class MemoryIntake : IQueueIntake
{
    private readonly List<byte[]> chunks = [];
    private long lastId = 1_700_000_000_000_000;

    public QueueId LastId { get; private set; }

    public NewMessage? LastMessage { get; private set; }

    public string LastContent { get; private set; } = "";

    /// <summary>Uploads fail from this chunk on.</summary>
    public int FailingChunk { get; init; } = int.MaxValue;

    public int ChunksInStore => chunks.Count;

    public CleanupResult Answer { get; init; } = new(CleanupOutcome.Queued);

    public QueueId NextId() => LastId = QueueId.Create(++lastId, 17);

    public IContentUpload BeginUpload(QueueId id) => new Upload(this);

    public ValueTask<CleanupResult> EnqueueAsync(NewMessage message, PooledContent content, CancellationToken cancellationToken)
    {
        LastMessage = message;
        LastContent = string.Concat(chunks.Take(message.StoredChunks).Append(message.Content.ToArray()).Select(Encoding.Latin1.GetString));
        content.Dispose();
        return new(Answer);
    }

    private sealed class Upload(MemoryIntake intake) : IContentUpload
    {
        public int Chunks { get; private set; }

        public ValueTask WriteAsync(ReadOnlyMemory<byte> chunk, CancellationToken cancellationToken)
        {
            if (Chunks == intake.FailingChunk)
            {
                throw new StorageException(StorageFailure.Retry, "the database is away");
            }

            intake.chunks.Add(chunk.ToArray());
            Chunks++;
            return default;
        }

        public ValueTask AbortAsync()
        {
            intake.chunks.Clear();
            return default;
        }
    }
}
