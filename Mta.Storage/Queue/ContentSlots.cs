using Mta.Storage.Connections;

namespace Mta.Storage.Queue;

/// <summary>The slots of time that new content is in; see mta_store.new_content in sql/migrations/0002_queue.sql.</summary>
public sealed class ContentSlots(DatabasePool source)
{
    private const int CommandSeconds = 60;

    /// <summary>
    /// Takes one step of one slot that is closed: copies what still lives, or truncates. False when there is nothing to do now, when another
    /// node does it, or when somebody reads the slot for longer.
    /// </summary>
    public ValueTask<bool> RecycleAsync(CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(QueueSql.RecycleContent);
                command.CommandTimeout = CommandSeconds;
                return (bool)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
            });
}
