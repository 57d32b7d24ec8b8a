using Npgsql;

namespace Mta.Storage.Queue;

/// <summary>The statements of a batch of completions and their parameters, used again for each batch of a connection.</summary>
internal sealed class CompletionBatch
{
    private readonly List<long> ids = [];
    private readonly List<int> numbers = [];
    private readonly List<bool> finals = [];
    private readonly List<short> actions = [];
    private readonly List<string> senders = [];
    private readonly List<string> recipients = [];
    private readonly List<string?> originals = [];
    private readonly List<long> sizes = [];
    private readonly List<string> transports = [];
    private readonly List<string> relays = [];
    private readonly List<string> dsns = [];
    private readonly List<float> delaysBefore = [];
    private readonly List<float> delaysIn = [];
    private readonly List<float> delaysConnection = [];
    private readonly List<float> delaysTransmission = [];
    private readonly List<string> reasons = [];
    private readonly List<long> finished = [];

    private readonly List<long> deferred = [];
    private readonly List<string> destinations = [];
    private readonly List<double> seconds = [];
    private readonly List<bool> warned = [];

    private readonly List<long> requested = [];

    private readonly AcceptBatch owned = new();
    private readonly AcceptBatch unowned = new();
    private readonly List<NewMessage> held = [];
    private bool anyOwned;
    private bool anyUnowned;

    /// <summary>Outcomes in the batch: as many history rows are written when none is stale.</summary>
    public int RecordCount => ids.Count;

    public bool HasDeferred => deferred.Count > 0;

    public bool HasRequested => requested.Count > 0;

    public bool HasNotifications => anyOwned || anyUnowned || held.Count > 0;

    public void Fill(List<Completion> completions, bool reducedText)
    {
        Clear();
        foreach (var completion in completions)
        {
            foreach (var record in completion.Records)
            {
                ids.Add(completion.MessageId);
                numbers.Add(record.RecipientNumber);
                finals.Add(record.IsFinal);
                actions.Add((short)record.Action);
                senders.Add(StoredText.Clean(completion.Sender));
                recipients.Add(StoredText.Clean(record.Recipient));
                originals.Add(StoredText.CleanOrNull(record.Original));
                sizes.Add(completion.Size);
                transports.Add(record.Transport);
                relays.Add(StoredText.Clean(record.Relay));
                dsns.Add(record.Dsn);
                delaysBefore.Add(record.DelayBeforeQueue);
                delaysIn.Add(record.DelayInQueue);
                delaysConnection.Add(record.DelayConnection);
                delaysTransmission.Add(record.DelayTransmission);
                reasons.Add(reducedText ? "(the text could not be stored)" : StoredText.Clean(record.Reason));
            }

            if (completion.End == RoundEnd.Finished)
            {
                finished.Add(completion.MessageId);
            }
            else if (completion.End == RoundEnd.Deferred)
            {
                deferred.Add(completion.MessageId);
                destinations.Add(StoredText.Clean(completion.Destination));
                seconds.Add(completion.DueSeconds);
                warned.Add(completion.Warned);
            }
            else if (completion.End == RoundEnd.Requested)
            {
                requested.Add(completion.MessageId);
            }

            foreach (var notification in completion.Notifications)
            {
                if (notification.Hold != HoldReason.None)
                {
                    held.Add(notification);
                    continue;
                }

                (notification.Owned ? owned : unowned).Add(notification);
                anyOwned |= notification.Owned;
                anyUnowned |= !notification.Owned;
            }
        }
    }

    public NpgsqlBatchCommand FinishCommand(string node, long epoch)
    {
        var command = Begin(QueueSql.Finish, node, epoch);
        Bind(command, ids);
        Bind(command, numbers);
        Bind(command, finals);
        Bind(command, actions);
        Bind(command, senders);
        Bind(command, recipients);
        Bind(command, originals);
        Bind(command, sizes);
        Bind(command, transports);
        Bind(command, relays);
        Bind(command, dsns);
        Bind(command, delaysBefore);
        Bind(command, delaysIn);
        Bind(command, delaysConnection);
        Bind(command, delaysTransmission);
        Bind(command, reasons);
        Bind(command, finished);
        return command;
    }

    public NpgsqlBatchCommand DeferCommand(string node, long epoch)
    {
        var command = Begin(QueueSql.Defer, node, epoch);
        Bind(command, deferred);
        Bind(command, destinations);
        Bind(command, seconds);
        Bind(command, warned);
        return command;
    }

    public NpgsqlBatchCommand RequestedCommand(string node, long epoch)
    {
        var command = Begin(QueueSql.ApplyOwned, node, epoch);
        Bind(command, requested);
        return command;
    }

    public IEnumerable<NpgsqlBatchCommand> NotificationCommands(string node, long epoch, WriterLock writerLock)
    {
        if (anyOwned)
        {
            yield return Accept(QueueSql.AcceptOwned, owned, node, epoch, writerLock);
        }

        if (anyUnowned)
        {
            yield return Accept(QueueSql.AcceptUnowned, unowned, node, epoch, writerLock);
        }

        foreach (var notification in held)
        {
            var alone = new AcceptBatch();
            alone.Add(notification);
            yield return Accept(QueueSql.Accept(owned: false, notification.Hold, fromSource: false), alone, node, epoch, writerLock);
        }
    }

    private void Clear()
    {
        ids.Clear();
        numbers.Clear();
        finals.Clear();
        actions.Clear();
        senders.Clear();
        recipients.Clear();
        originals.Clear();
        sizes.Clear();
        transports.Clear();
        relays.Clear();
        dsns.Clear();
        delaysBefore.Clear();
        delaysIn.Clear();
        delaysConnection.Clear();
        delaysTransmission.Clear();
        reasons.Clear();
        finished.Clear();
        deferred.Clear();
        destinations.Clear();
        seconds.Clear();
        warned.Clear();
        requested.Clear();
        owned.Clear();
        unowned.Clear();
        held.Clear();
        anyOwned = false;
        anyUnowned = false;
    }

    private static NpgsqlBatchCommand Accept(string sql, AcceptBatch batch, string node, long epoch, WriterLock writerLock)
    {
        var command = Begin(sql, node, epoch);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = WriterLock.Class });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = writerLock.Key });
        batch.AddParameters(command.Parameters, withSources: false);
        return command;
    }

    private static NpgsqlBatchCommand Begin(string sql, string node, long epoch)
    {
        var command = new NpgsqlBatchCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = node });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = epoch });
        return command;
    }

    private static void Bind<T>(NpgsqlBatchCommand command, List<T> list) => command.Parameters.Add(new NpgsqlParameter<List<T>> { TypedValue = list });
}
