using System.Text;
using Mta.Core.Queue;
using Mta.Services.Clients;

namespace Mta.Services.Tests.Local;

/// <summary>Takes what local forwards: sender, recipients and the whole message as text.</summary>
internal sealed class TestCleanup : ICleanup
{
    public CleanupOutcome Outcome { get; set; }

    public List<(string Sender, string Recipients, string Message)> Messages { get; } = [];

    public ICleanupTransaction Begin(CleanupRequest request) => new Transaction(this, request);

    private sealed class Transaction(TestCleanup cleanup, CleanupRequest request) : ICleanupTransaction
    {
        private readonly StringBuilder headers = new();
        private readonly StringBuilder content = new();
        private readonly List<string> recipients = [];

        public QueueId Id => default;

        public string IdText => "4abcNEW";

        public MessageActions Actions { get; } = new();

        public void AddRecipient(string address, DsnNotify notify = DsnNotify.Default, string? originalRecipient = null) => recipients.Add(address);

        public void PrependHeader(string header) => headers.Append(header).Append('\n');

        public void Append(ReadOnlySpan<byte> content) => this.content.Append(Encoding.UTF8.GetString(content));

        public ValueTask FlushAsync(CancellationToken cancellationToken) => default;

        public ValueTask<CleanupResult> FinishAsync(CancellationToken cancellationToken)
        {
            if (cleanup.Outcome == CleanupOutcome.Queued)
            {
                cleanup.Messages.Add((request.Sender, string.Join(' ', recipients), headers.ToString() + content));
            }

            return new(new CleanupResult(cleanup.Outcome));
        }

        public ValueTask DisposeAsync() => default;
    }
}
