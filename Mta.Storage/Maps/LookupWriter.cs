using System.Globalization;
using Mta.Storage.Connections;
using Npgsql;
using NpgsqlTypes;

namespace Mta.Storage.Maps;

/// <summary>Changes the lookup tables stored in the database: what postmap(1) and postalias(1) do. Every failure leaves as <see cref="StorageException"/>.</summary>
public sealed class LookupWriter(DatabasePool source)
{
    /// <summary>Entries that travel in one statement.</summary>
    private const int BatchSize = 5000;

    /// <summary>Entries between two calls of a progress function.</summary>
    private const int ProgressStep = 50_000;

    /// <summary>True when a row breaks a rule of its table's kind; the message names both.</summary>
    public static bool IsRuleBroken(StorageException e) => e.InnerException is PostgresException { SqlState: PostgresErrorCodes.CheckViolation };

    /// <summary>Replaces the whole table, in one transaction: readers see the old or the new one.</summary>
    /// <param name="kind">Plain maps leave the kind of a table that exists as it is.</param>
    /// <param name="entries">Each key once.</param>
    /// <param name="onlyIfMissing">Does nothing when the table exists; of several nodes that import the same file, one does.</param>
    /// <param name="progress">Hears now and then how many entries were sent.</param>
    /// <returns>False when the table exists and was left alone.</returns>
    public ValueTask<bool> BuildAsync(
        string name,
        LookupKind kind,
        IReadOnlyDictionary<string, string> entries,
        bool onlyIfMissing,
        CancellationToken cancellationToken,
        Action<int>? progress = null) =>
        BuildAsync(name, kind, entries, onlyIfMissing, keepsKind: kind == LookupKind.Map, progress, cancellationToken);

    /// <summary>The same of a table that becomes a plain map, whatever its kind was.</summary>
    public ValueTask<bool> BuildPlainAsync(
        string name, IReadOnlyDictionary<string, string> entries, CancellationToken cancellationToken, Action<int>? progress = null) =>
        BuildAsync(name, LookupKind.Map, entries, onlyIfMissing: false, keepsKind: false, progress, cancellationToken);

    private ValueTask<bool> BuildAsync(
        string name,
        LookupKind kind,
        IReadOnlyDictionary<string, string> entries,
        bool onlyIfMissing,
        bool keepsKind,
        Action<int>? progress,
        CancellationToken cancellationToken) =>
        ChangeAsync(name, entries.Keys, async connection =>
        {
            if (await TakeAsync(connection, onlyIfMissing ? LookupSql.MakeTable : LookupSql.LockTable, name, kind, cancellationToken).ConfigureAwait(false) is not { } table)
            {
                return false;
            }

            if (!keepsKind && table.Kind != LookupKinds.Name(kind))
            {
                await ExecuteAsync(connection, LookupSql.Clear, cancellationToken, table.Id).ConfigureAwait(false);
                await ExecuteAsync(connection, LookupSql.SetKind, cancellationToken, table.Id, LookupKinds.Name(kind)).ConfigureAwait(false);
                table = table with { Kind = LookupKinds.Name(kind), HasEntries = false };
            }

            await CopyAsync(connection, table, entries, progress, cancellationToken).ConfigureAwait(false);
            if (table.HasEntries)
            {
                await ExecuteAsync(connection, LookupSql.DeleteUnstaged, cancellationToken, table.Id, table.Kind).ConfigureAwait(false);
                await ExecuteAsync(connection, LookupSql.InsertStaged, cancellationToken, table.Id, table.Kind).ConfigureAwait(false);
                await ExecuteAsync(connection, LookupSql.ClearStage, cancellationToken, table.Id).ConfigureAwait(false);
            }

            await ExecuteAsync(connection, LookupSql.MarkBuilt, cancellationToken, table.Id).ConfigureAwait(false);
            return true;
        }, cancellationToken);

    /// <summary>Adds entries to a table, which is made when it is missing (postmap -i).</summary>
    /// <param name="entries">Each key once.</param>
    /// <param name="replace">Entries that exist get the new value; else they are left alone.</param>
    /// <returns>The keys that existed and were left alone.</returns>
    public ValueTask<IReadOnlyList<string>> AddAsync(
        string name, LookupKind kind, IReadOnlyDictionary<string, string> entries, bool replace, CancellationToken cancellationToken) =>
        ChangeAsync(name, entries.Keys, async connection =>
        {
            var table = (await TakeAsync(connection, LookupSql.LockTable, name, kind, cancellationToken).ConfigureAwait(false))!.Value;
            var kept = new List<string>();
            foreach (var batch in entries.Chunk(BatchSize))
            {
                var keys = Array.ConvertAll(batch, e => e.Key);
                var values = Array.ConvertAll(batch, e => e.Value);
                if (replace)
                {
                    await ExecuteAsync(connection, LookupSql.Replace, cancellationToken, table.Id, keys, values, table.Kind).ConfigureAwait(false);
                }
                else
                {
                    var added = await AddNewAsync(connection, table, keys, values, cancellationToken).ConfigureAwait(false);
                    kept.AddRange(keys.Where(k => !added.Contains(k)));
                }
            }

            return (IReadOnlyList<string>)kept;
        }, cancellationToken);

    /// <summary>Replaces the rules of a table of patterns, in one transaction.</summary>
    /// <param name="kind">One of the kinds of patterns.</param>
    public ValueTask<bool> BuildRulesAsync(
        string name, LookupKind kind, IReadOnlyList<(int Position, string Rule)> rules, CancellationToken cancellationToken) =>
        ChangeAsync(name, rules.Select(r => r.Rule), async connection =>
        {
            var table = (await TakeAsync(connection, LookupSql.LockTable, name, kind, cancellationToken).ConfigureAwait(false))!.Value;
            await ExecuteAsync(connection, LookupSql.Clear, cancellationToken, table.Id).ConfigureAwait(false);
            await ExecuteAsync(connection, LookupSql.ClearRules, cancellationToken, table.Id).ConfigureAwait(false);
            await ExecuteAsync(connection, LookupSql.SetKind, cancellationToken, table.Id, LookupKinds.Name(kind)).ConfigureAwait(false);
            int[] positions = [.. rules.Select(r => r.Position)];
            string[] texts = [.. rules.Select(r => r.Rule)];
            await ExecuteAsync(connection, LookupSql.AddRules, cancellationToken, table.Id, LookupKinds.Name(kind), positions, texts).ConfigureAwait(false);
            await ExecuteAsync(connection, LookupSql.MarkBuilt, cancellationToken, table.Id).ConfigureAwait(false);
            return true;
        }, cancellationToken);

    /// <summary>Removes entries; the number of those that there were (postmap -d).</summary>
    public ValueTask<int> DeleteAsync(string name, string[] keys, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(async () =>
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            return await ExecuteAsync(connection, LookupSql.Delete, cancellationToken, name, keys).ConfigureAwait(false);
        });

    private static string RuleBroken(string name, IEnumerable<string> sent, PostgresException e)
    {
        // COPY tells the number of the row that it did not take.
        const string line = ", line ";
        var at = e.Where?.IndexOf(line, StringComparison.Ordinal) ?? -1;
        var digits = at < 0 ? "" : string.Concat(e.Where![(at + line.Length)..].TakeWhile(char.IsAsciiDigit));
        var row = int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? sent.ElementAtOrDefault(number - 1) : null;
        return row is null ? $"{name}: an entry breaks the rule {e.ConstraintName}" : $"{name}: the entry \"{row}\" breaks the rule {e.ConstraintName}";
    }

    private static async Task<HashSet<string>> AddNewAsync(
        NpgsqlConnection connection, Table table, string[] keys, string[] values, CancellationToken cancellationToken)
    {
        var added = new HashSet<string>(StringComparer.Ordinal);
        await using var command = Command(connection, LookupSql.Add, table.Id, keys, values, table.Kind);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            added.Add(reader.GetString(0));
        }

        return added;
    }

    /// <summary>Null when the statement found that there is nothing to do.</summary>
    private static async Task<Table?> TakeAsync(NpgsqlConnection connection, string sql, string name, LookupKind kind, CancellationToken cancellationToken)
    {
        await using var command = Command(connection, sql, name, LookupKinds.Name(kind));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        return await reader.ReadAsync(cancellationToken).ConfigureAwait(false)
            ? new Table(reader.GetInt64(0), reader.GetString(1), reader.GetBoolean(2))
            : null;
    }

    /// <summary>An empty table takes the entries themselves, one that has some the stage, so that only what differs is written.</summary>
    private static async Task CopyAsync(
        NpgsqlConnection connection, Table table, IReadOnlyDictionary<string, string> entries, Action<int>? progress, CancellationToken cancellationToken)
    {
        var sent = 0;
        await using var copy = await connection
            .BeginBinaryImportAsync(table.HasEntries ? LookupSql.CopyStage : LookupSql.CopyEntries, cancellationToken).ConfigureAwait(false);
        foreach (var (key, value) in entries)
        {
            await copy.StartRowAsync(cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(table.Id, NpgsqlDbType.Bigint, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(key, NpgsqlDbType.Text, cancellationToken).ConfigureAwait(false);
            await copy.WriteAsync(value, NpgsqlDbType.Text, cancellationToken).ConfigureAwait(false);
            if (!table.HasEntries)
            {
                await copy.WriteAsync(table.Kind, NpgsqlDbType.Text, cancellationToken).ConfigureAwait(false);
            }

            if (++sent % ProgressStep == 0)
            {
                progress?.Invoke(sent);
            }
        }

        await copy.CompleteAsync(cancellationToken).ConfigureAwait(false);
    }

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object[] arguments)
    {
        await using var command = Command(connection, sql, arguments);
        return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params object[] arguments)
    {
        // A table of millions takes longer than the usual limit of a command; whoever waits may cancel.
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        foreach (var argument in arguments)
        {
            command.Parameters.Add(new() { Value = argument });
        }

        return command;
    }

    /// <summary>Runs a change in one transaction.</summary>
    /// <param name="sent">The rows in the order in which COPY gets them.</param>
    private ValueTask<T> ChangeAsync<T>(
        string name, IEnumerable<string> sent, Func<NpgsqlConnection, Task<T>> change, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(async () =>
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                var result = await change(connection).ConfigureAwait(false);
                await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
                return result;
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.CheckViolation)
            {
                await transaction.RollbackAsync(CancellationToken.None).ConfigureAwait(false);
                await using var command = Command(connection, LookupSql.RuleHint, e.ConstraintName ?? "");
                var hint = await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) as string;
                throw new StorageException(StorageFailure.Fatal, RuleBroken(name, sent, e) + (hint is null ? "" : $" ({hint.TrimEnd('.')})"), e);
            }
        });

    /// <summary>A table that is locked.</summary>
    private readonly record struct Table(long Id, string Kind, bool HasEntries);
}
