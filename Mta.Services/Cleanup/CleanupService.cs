using Mta.Core.Config;
using Mta.Core.Queue;
using Mta.Services.Cleanup.Checks;
using Mta.Services.Clients;
using Mta.Services.Maps;

namespace Mta.Services.Cleanup;

/// <summary>
/// cleanup(8): makes a queue message of what smtpd(8), pickup(8) and others hand over, and puts it into the queue.
/// <para>
/// Headers: removes those of message_drop_headers, completes addresses and adds what is missing in local context, counts Received, logs
/// Message-Id. Body: passes through in bulk, unless header and body checks look into it or force_mime_input_conversion makes 7 bits of it. Envelope: addresses are completed, virtual(5) aliases
/// expanded, bcc recipients added, duplicates removed. Addresses of both go through canonical(5) maps and masquerading. Content above
/// queue_chunk_size flows into the store while it is received.
/// </para>
/// <para>
/// The mail is the client's until FinishAsync has said Queued. Nothing is fatal: a table or a store that cannot answer makes the
/// message refused for now. Not here yet: milters.
/// </para>
/// </summary>
public sealed class CleanupService : ICleanup, IRecipientExpansion, IInternalMailChecks
{
    internal const string Tag = "cleanup";

    public CleanupService(
        Settings settings, IAddressResolver resolver, TableRegistry tables, IQueueIntake intake, MailLog log, TimeProvider time)
    {
        Config = new CleanupConfig(settings);
        Headers = new HeaderRules(Config, resolver, log);
        Checks = new ContentRules(settings, tables);
        Envelopes = new EnvelopeRules(Config, settings, resolver, tables, log);
        Intake = intake;
        Log = log;
        Time = time;
    }

    internal CleanupConfig Config { get; }

    internal HeaderRules Headers { get; }

    internal ContentRules Checks { get; }

    internal EnvelopeRules Envelopes { get; }

    internal IQueueIntake Intake { get; }

    internal MailLog Log { get; }

    internal TimeProvider Time { get; }

    public ICleanupTransaction Begin(CleanupRequest request) =>
        new CleanupTransaction(this, request, request.Id == default ? Intake.NextId() : request.Id);

    public ValueTask<IReadOnlyList<Recipient>> ExpandAsync(string idText, Recipient recipient, CancellationToken cancellationToken) =>
        Envelopes.ExpandOneAsync(idText, recipient, cancellationToken);

    public ValueTask<InspectedMail> InspectAsync(
        string idText, IReadOnlyList<Recipient> recipients, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        Checks.IsOff
            ? new(new InspectedMail(InspectionOutcome.Passed, content, recipients))
            : InternalMail.InspectAsync(
                Checks, new CheckLog(Log, new CleanupRequest { Sender = "" }, idText, "", recipients[^1].Address), this, idText, recipients, content, cancellationToken);
}
