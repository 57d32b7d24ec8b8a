using Mta.Core.Config;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Storage.Maildrop;

namespace Mta.Tools.Sendmail;

/// <summary>Takes the mail of an SMTP session on standard input to maildrop; what cleanup(8) does follows there.</summary>
internal sealed class MaildropCleanup(Settings settings, uint uid) : ICleanup
{
    public ICleanupTransaction Begin(CleanupRequest request) => new Transaction(settings, uid, request);

    private sealed class Transaction(Settings settings, uint uid, CleanupRequest request) : ICleanupTransaction
    {
        private readonly List<string> recipients = [];
        private readonly MessageBuffer content = new();
        private DsnNotify? notify;

        // The queue id is given by the database at the end.
        public QueueId Id => default;

        public string IdText => "maildrop";

        public MessageActions Actions { get; } = new();

        public void AddRecipient(string address, DsnNotify notify = DsnNotify.Default, string? originalRecipient = null)
        {
            recipients.Add(address);

            // One value for the whole message: nobody is told less than he asked for.
            this.notify = this.notify is not { } known || known == notify ? notify
                : known == DsnNotify.Default || notify == DsnNotify.Default ? DsnNotify.Default
                : (known | notify) & ~DsnNotify.Never;
        }

        public void PrependHeader(string header)
        {
            // Pickup writes the Received header of local mail.
        }

        public void Append(ReadOnlySpan<byte> content) => this.content.Write(content);

        public ValueTask FlushAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public async ValueTask<CleanupResult> FinishAsync(CancellationToken cancellationToken)
        {
            var limit = settings.Get(Parameters.MessageSizeLimit);
            if (limit > 0 && content.Length > limit)
            {
                return new CleanupResult(CleanupOutcome.TooBig);
            }

            var submission = new Submission
            {
                Sender = request.Sender,
                Recipients = recipients,
                Notify = notify ?? DsnNotify.Default,
                Return = request.Return,
                EnvelopeId = request.EnvelopeId,
                Flags = request.Flags & (EnvelopeFlags.SmtpUtf8 | EnvelopeFlags.EightBit),
                UserId = uid,
            };
            return await MaildropHandover.StoreAsync(settings, submission, () => content.Open(default), cancellationToken).ConfigureAwait(false) is { } problem
                ? new CleanupResult(CleanupOutcome.WriteError, problem, "4.3.0")
                : new CleanupResult(CleanupOutcome.Queued);
        }

        public ValueTask DisposeAsync()
        {
            content.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
