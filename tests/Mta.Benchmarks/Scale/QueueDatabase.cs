using System.Globalization;
using Npgsql;

namespace Mta.Benchmarks.Scale;

/// <summary>The database of the server under measurement, as its superuser: to fill it, and to look at what statements cost.</summary>
internal sealed class QueueDatabase(string connectionString) : IAsyncDisposable
{
    public NpgsqlDataSource Source { get; } = new NpgsqlDataSourceBuilder(
        new NpgsqlConnectionStringBuilder(connectionString) { CommandTimeout = 0, MaxPoolSize = 10, ApplicationName = "benchmark" }.ConnectionString).Build();

    public ValueTask DisposeAsync() => Source.DisposeAsync();

    public async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = Source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>One number; 0 for NULL.</summary>
    public async Task<double> NumberAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = Source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is { } value and not DBNull
            ? Convert.ToDouble(value, CultureInfo.InvariantCulture)
            : 0;
    }

    /// <summary>The first column of all rows.</summary>
    public async Task<List<string>> TextsAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = Source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        var texts = new List<string>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            texts.Add(reader.GetString(0));
        }

        return texts;
    }
}
