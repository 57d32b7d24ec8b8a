using Mta.Core.Config;
using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Configuration;

/// <summary>What the table of parameters says for a node, as of a version.</summary>
public sealed record ParameterSnapshot(long Version, StoredValues Values);

/// <summary>Reads <c>mta.parameter</c>, and writes what a node does not take of it to <c>mta.parameter_problem</c>.</summary>
public sealed class ParameterStore(DatabasePool source)
{
    private const string Version = "SELECT version FROM mta_store.parameter_version";

    private const string Rows = "SELECT name, value, node, changed_by, changed_at FROM mta.parameters_of($1)";

    /// <summary>Only what differs is written: nodes say the same again and again.</summary>
    private const string Report =
        """
        WITH wanted AS (SELECT name, problem FROM unnest($2::text[], $3::text[]) AS w (name, problem)),
            gone AS (DELETE FROM mta_store.parameter_problem p WHERE node = $1 AND NOT EXISTS (SELECT FROM wanted w WHERE w.name = p.name))
        INSERT INTO mta_store.parameter_problem AS p (node, name, problem) SELECT $1, name, problem FROM wanted
        ON CONFLICT (node, name) DO UPDATE SET problem = excluded.problem, seen_at = excluded.seen_at WHERE p.problem <> excluded.problem
        """;

    private const string SizeLimit =
        """
        INSERT INTO mta_store.node_size_limit AS l (node, bytes) VALUES ($1, $2)
        ON CONFLICT (node) DO UPDATE SET bytes = excluded.bytes WHERE l.bytes <> excluded.bytes
        """;

    /// <summary>Grows with every change.</summary>
    public ValueTask<long> ReadVersionAsync(CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(Version);
                return (long)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
            });

    /// <summary>The values for a node. A change that is committed while they are read raises the version above the one that is given.</summary>
    public async ValueTask<ParameterSnapshot> ReadAsync(string node, CancellationToken cancellationToken)
    {
        var version = await ReadVersionAsync(cancellationToken).ConfigureAwait(false);
        return new ParameterSnapshot(version, await ReadValuesAsync(node, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>The values alone, as every role may read them.</summary>
    public ValueTask<StoredValues> ReadValuesAsync(string node, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(Rows);
                command.Parameters.AddWithValue(node);
                await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                var rows = new List<StoredParameter>();
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    rows.Add(new StoredParameter(
                        reader.GetString(0),
                        reader.GetString(1),
                        await reader.IsDBNullAsync(2, cancellationToken).ConfigureAwait(false) ? null : reader.GetString(2),
                        reader.GetString(3),
                        await reader.GetFieldValueAsync<DateTimeOffset>(4, cancellationToken).ConfigureAwait(false)));
                }

                return StoredValues.For(node, rows);
            });

    /// <summary>Says how large a message the node takes, for mail that is made by SQL; 0 for any.</summary>
    public ValueTask<int> PublishSizeLimitAsync(string node, long bytes, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(SizeLimit);
                command.Parameters.AddWithValue(node);
                command.Parameters.AddWithValue(bytes);
                return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            });

    /// <summary>Says which values the node does not take; none takes back what it said before.</summary>
    public ValueTask<int> ReportAsync(string node, IReadOnlyList<(StoredParameter Row, string Problem)> problems, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(Report);
                command.Parameters.AddWithValue(node);
                command.Parameters.AddWithValue(problems.Select(p => p.Row.Name).ToArray());
                command.Parameters.AddWithValue(problems.Select(p => p.Problem).ToArray());
                return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            });
}
