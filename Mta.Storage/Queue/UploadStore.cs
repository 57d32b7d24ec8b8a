using Mta.Storage.Connections;
using Mta.Storage.Nodes;
using Npgsql;

namespace Mta.Storage.Queue;

/// <summary>Content of large messages on its way in, chunk by chunk in short transactions, before the one that makes the message visible.</summary>
public sealed class UploadStore(DatabasePool source)
{
    /// <summary>Announces the upload, so that the end of our epoch removes its chunks; false when the epoch has ended.</summary>
    public ValueTask<bool> BeginAsync(NodeEpoch node, long messageId, CancellationToken cancellationToken) =>
        ExecuteAsync(QueueSql.UploadBegin, node, messageId, null, default, cancellationToken);

    /// <summary>Stores one chunk; false when the epoch has ended.</summary>
    public ValueTask<bool> WriteAsync(NodeEpoch node, long messageId, int chunk, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        ExecuteAsync(QueueSql.UploadChunk, node, messageId, chunk, data, cancellationToken);

    /// <summary>Removes the chunks of a message that is not enqueued.</summary>
    public ValueTask<bool> AbortAsync(long messageId, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(QueueSql.UploadAbort);
                command.Parameters.AddWithValue(messageId);
                await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
                return true;
            });

    private ValueTask<bool> ExecuteAsync(
        string sql, NodeEpoch node, long messageId, int? chunk, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(sql);
                command.Parameters.AddWithValue(node.Name);
                command.Parameters.AddWithValue(node.Epoch);
                command.Parameters.AddWithValue(messageId);
                if (chunk is { } number)
                {
                    command.Parameters.AddWithValue(number);
                    command.Parameters.Add(new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = data });
                }

                return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false) == 1;
            });
}
