using Microsoft.Data.Sqlite;
using Mta.Core.Lookup;
using Mta.Core.Lookup.Queries;
using Mta.Storage;

namespace Mta.Services.Maps.Tables;

/// <summary><c>sqlite:</c>, a query against a file of SQLite (sqlite_table(5)), which is only read.</summary>
internal sealed class SqliteTable(TableReference reference, string path, SqlTableConfig config, ListMatcher? domains, Action<string> warn)
    : QueryTable(reference, config.Results, domains, warn)
{
    /// <summary>How long a lookup waits, in seconds, while another program writes to the file.</summary>
    private const int BusyTimeout = 5;

    private readonly string connection = new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, DefaultTimeout = BusyTimeout }.ConnectionString;

    public override ValueTask DisposeAsync()
    {
        using var pool = new SqliteConnection(connection);
        SqliteConnection.ClearPool(pool);
        return ValueTask.CompletedTask;
    }

    protected override async Task<IReadOnlyList<string>?> AskAsync(string key, CancellationToken cancellationToken)
    {
        if (KeyTemplate.Query(config.Query, key, KeyQuoting.Sql) is not { } sql)
        {
            return null;
        }

        try
        {
            // SQLite reads in the thread that asks, and may wait there.
            return await Task.Run(() => Ask(sql), cancellationToken).ConfigureAwait(false);
        }
        catch (SqliteException e)
        {
            throw new StorageException(StorageFailure.Retry, e.Message, e);
        }
    }

    private List<string> Ask(string sql)
    {
        using var opened = new SqliteConnection(connection);
        opened.Open();
        using var command = opened.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var values = new List<string>();
        while (reader.Read())
        {
            // Only the first column counts, as for Postfix.
            values.Add(reader.IsDBNull(0) ? "" : reader.GetString(0));
        }

        return values;
    }
}
