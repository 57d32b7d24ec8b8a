using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Maps;

/// <summary>Reads the lookup tables stored in the database. Every failure leaves as <see cref="StorageException"/>.</summary>
public sealed class LookupStore(DatabasePool source)
{
    /// <summary>The versions of those of the tables that exist.</summary>
    public ValueTask<List<StoredTableVersion>> ReadVersionsAsync(string[] names, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(async () =>
        {
            var versions = new List<StoredTableVersion>(names.Length);
            await using var command = source.CreateCommand(LookupSql.ReadVersions);
            command.Parameters.Add(new() { Value = names });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                versions.Add(new StoredTableVersion(reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2), LookupKinds.Find(reader.GetString(3)) ?? LookupKind.Map));
            }

            return versions;
        });

    /// <summary>What the rows of a table mean; null when there is no such table.</summary>
    public ValueTask<LookupKind?> ReadKindAsync(string name, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(async () =>
        {
            await using var command = source.CreateCommand(LookupSql.ReadKind);
            command.Parameters.Add(new() { Value = name });
            return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is string word ? LookupKinds.Find(word) : null;
        });

    /// <summary>
    /// Gives the entries of a table to <paramref name="take"/> until it does not want more. They are at least as new as a version read before.
    /// </summary>
    /// <returns>False when it did not want all, or there are more than <paramref name="limit"/>.</returns>
    public ValueTask<bool> ReadEntriesAsync(long tableId, int limit, Func<string, string, bool> take, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(async () =>
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using var command = new NpgsqlCommand(LookupSql.ReadEntries, connection);
            command.Parameters.Add(new() { Value = tableId });
            command.Parameters.Add(new() { Value = limit + 1 });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            for (var count = 1; await reader.ReadAsync(cancellationToken).ConfigureAwait(false); count++)
            {
                if (count > limit || !take(reader.GetString(0), reader.GetString(1)))
                {
                    // Else all the other rows would come before the connection is free again.
                    command.Cancel();
                    return false;
                }
            }

            return true;
        });

    /// <summary>Gives every entry to <paramref name="take"/>, in key order, without keeping them (postmap -s).</summary>
    public async ValueTask ReadAllAsync(string name, Action<string, string> take, CancellationToken cancellationToken) =>
        await StorageErrors.MapAsync(async () =>
        {
            await using var command = source.CreateCommand(LookupSql.ReadAll);
            command.Parameters.Add(new() { Value = name });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                take(reader.GetString(0), reader.GetString(1));
            }

            return true;
        }).ConfigureAwait(false);

    /// <summary>The value of one key. The table is found by its name, so that one that was dropped never answers "not found".</summary>
    public ValueTask<StoredAnswer> FindAsync(string name, string key, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(async () =>
        {
            await using var command = source.CreateCommand(LookupSql.Find);
            command.Parameters.Add(new() { Value = name });
            command.Parameters.Add(new() { Value = key });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            return await reader.ReadAsync(cancellationToken).ConfigureAwait(false)
                ? new StoredAnswer(true, reader.IsDBNull(0) ? null : reader.GetString(0))
                : new StoredAnswer(false, null);
        });

    /// <summary>Those of the keys that there are in each of the tables that exist.</summary>
    public ValueTask<Dictionary<string, Dictionary<string, string>>> FindManyAsync(string[] names, string[] keys, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(async () =>
        {
            var tables = new Dictionary<string, Dictionary<string, string>>(StringComparer.Ordinal);
            await using var command = source.CreateCommand(LookupSql.FindMany);
            command.Parameters.Add(new() { Value = names });
            command.Parameters.Add(new() { Value = keys });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                var name = reader.GetString(0);
                if (!tables.TryGetValue(name, out var found))
                {
                    tables[name] = found = new Dictionary<string, string>(StringComparer.Ordinal);
                }

                if (!reader.IsDBNull(1))
                {
                    found.Add(reader.GetString(1), reader.GetString(2));
                }
            }

            return tables;
        });

    /// <summary>The rules of a table of patterns with their positions, in order.</summary>
    public ValueTask<List<(int Position, string Rule)>> ReadRulesAsync(long tableId, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(async () =>
        {
            var rules = new List<(int, string)>();
            await using var command = source.CreateCommand(LookupSql.ReadRules);
            command.Parameters.Add(new() { Value = tableId });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                rules.Add((reader.GetInt32(0), reader.GetString(1)));
            }

            return rules;
        });
}
