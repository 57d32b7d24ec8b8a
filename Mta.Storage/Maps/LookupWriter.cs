using Npgsql;
using NpgsqlTypes;

namespace Mta.Storage.Maps;

/// <summary>Changes the lookup tables stored in the database: what postmap(1) and postalias(1) do. Every failure leaves as <see cref="StorageException"/>.</summary>
public sealed class LookupWriter(NpgsqlDataSource source)
{
    /// <summary>Entries that travel in one statement.</summary>
    private const int BatchSize = 5000;

    /// <summary>Replaces the whole table, in one transaction: readers see the old or the new one.</summary>
    /// <param name="entries">Each key once.</param>
    /// <param name="onlyIfMissing">Does nothing when the table exists; of several nodes that import the same file, one does.</param>
    /// <returns>False when the table exists and was left alone.</returns>
    public ValueTask<bool> BuildAsync(
        string name, LookupKind kind, IReadOnlyDictionary<string, string> entries, bool onlyIfMissing, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(async () =>
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            var take = onlyIfMissing ? LookupSql.MakeTable : LookupSql.LockTable;
            if (await ScalarAsync(connection, take, cancellationToken, name, Text(kind)).ConfigureAwait(false) is not long id)
            {
                return false;
            }

            await CopyAsync(connection, id, entries, cancellationToken).ConfigureAwait(false);
            await ExecuteAsync(connection, LookupSql.DeleteUnstaged, cancellationToken, id).ConfigureAwait(false);
            await ExecuteAsync(connection, LookupSql.InsertStaged, cancellationToken, id).ConfigureAwait(false);
            await ExecuteAsync(connection, LookupSql.ClearStage, cancellationToken, id).ConfigureAwait(false);
            await ExecuteAsync(connection, LookupSql.MarkBuilt, cancellationToken, id, Text(kind)).ConfigureAwait(false);
            await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
            return true;
        });

    /// <summary>Adds entries to a table, which is made when it is missing (postmap -i).</summary>
    /// <param name="entries">Each key once.</param>
    /// <param name="replace">Entries that exist get the new value; else they are left alone.</param>
    /// <returns>The keys that existed and were left alone.</returns>
    public ValueTask<IReadOnlyList<string>> AddAsync(
        string name, LookupKind kind, IReadOnlyDictionary<string, string> entries, bool replace, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(async () =>
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            var id = (long)(await ScalarAsync(connection, LookupSql.LockTable, cancellationToken, name, Text(kind)).ConfigureAwait(false))!;
            var kept = new List<string>();
            foreach (var batch in entries.Chunk(BatchSize))
            {
                var keys = Array.ConvertAll(batch, e => e.Key);
                var values = Array.ConvertAll(batch, e => e.Value);
                if (replace)
                {
                    await ExecuteAsync(connection, LookupSql.Replace, cancellationToken, id, keys, values).ConfigureAwait(false);
                }
                else
                {
                    kept.AddRange(keys.Except(await AddNewAsync(connection, id, keys, values, cancellationToken).ConfigureAwait(false), StringComparer.Ordinal));
                }
            }

            await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
            return (IReadOnlyList<string>)kept;
        });

    /// <summary>Removes entries; the number of those that there were (postmap -d).</summary>
    public ValueTask<int> DeleteAsync(string name, string[] keys, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(async () =>
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            return await ExecuteAsync(connection, LookupSql.Delete, cancellationToken, name, keys).ConfigureAwait(false);
        });

    private static async Task<HashSet<string>> AddNewAsync(
        NpgsqlConnection connection, long id, string[] keys, string[] values, CancellationToken cancellationToken)
    {
        var added = new HashSet<string>(StringComparer.Ordinal);
        await using var command = Command(connection, LookupSql.Add, id, keys, values);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            added.Add(reader.GetString(0));
        }

        return added;
    }

    private static async Task CopyAsync(
        NpgsqlConnection connection, long id, IReadOnlyDictionary<string, string> entries, CancellationToken cancellationToken)
    {
        await using var copy = await connection.BeginBinaryImportAsync(LookupSql.CopyStage, cancellationToken).ConfigureAwait(false);
        foreach (var (key, value) in entries)
        {
            await copy.StartRowAsync(cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(id, NpgsqlDbType.Bigint, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(key, NpgsqlDbType.Text, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(value, NpgsqlDbType.Text, cancellationToken).ConfigureAwait(false);
        }

        await copy.CompleteAsync(cancellationToken).ConfigureAwait(false);
    }

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object[] arguments)
    {
        await using var command = Command(connection, sql, arguments);
        return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object[] arguments)
    {
        await using var command = Command(connection, sql, arguments);
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params object[] arguments)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var argument in arguments)
        {
            command.Parameters.Add(new() { Value = argument });
        }

        return command;
    }

    private static string Text(LookupKind kind) => LookupKinds.Name(kind);
}
