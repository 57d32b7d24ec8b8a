using System.Buffers;
using System.Globalization;
using System.Text;
using Mta.Core.Queue;
using Mta.Services.Clients;

namespace Mta.Services.Tests.Smtpd;

/// <summary>Keeps in memory what the server hands over.</summary>
internal sealed class FakeCleanup : ICleanup
{
    private int last;

    public List<FakeMessage> Queued { get; } = [];

    /// <summary>Messages opened and neither finished nor discarded.</summary>
    public int Open { get; private set; }

    /// <summary>What the end of a message answers; null queues it.</summary>
    public CleanupResult? Answer { get; set; }

    public ICleanupTransaction Begin(CleanupRequest request)
    {
        Open++;
        last++;
        return new FakeMessage(this, request, "4QUEUEID" + last.ToString(CultureInfo.InvariantCulture));
    }

    internal sealed class FakeMessage(FakeCleanup owner, CleanupRequest request, string id) : ICleanupTransaction
    {
        private readonly ArrayBufferWriter<byte> content = new();
        private bool disposed;

        public CleanupRequest Request => request;

        public QueueId Id => default;

        public string IdText => id;

        public MessageActions Actions { get; } = new();

        public List<(string Address, DsnNotify Notify, string? OriginalRecipient)> Recipients { get; } = [];

        public List<string> Headers { get; } = [];

        public string Content => Encoding.Latin1.GetString(content.WrittenSpan);

        public void AddRecipient(string address, DsnNotify notify = DsnNotify.Default, string? originalRecipient = null) =>
            Recipients.Add((address, notify, originalRecipient));

        public void PrependHeader(string header) => Headers.Add(header);

        public void Append(ReadOnlySpan<byte> bytes) => content.Write(bytes);

        public ValueTask FlushAsync(CancellationToken cancellationToken) => default;

        public ValueTask<CleanupResult> FinishAsync(CancellationToken cancellationToken)
        {
            if (owner.Answer is { } answer)
            {
                return new(answer);
            }

            owner.Queued.Add(this);
            return new(new CleanupResult(CleanupOutcome.Queued));
        }

        public ValueTask DisposeAsync()
        {
            owner.Open -= disposed ? 0 : 1;
            disposed = true;
            return default;
        }
    }
}
