using Mta.Core.Lookup;
using Mta.Core.Lookup.Queries;
using Mta.Storage.Maps;

namespace Mta.Services.Maps.Tables;

/// <summary><c>pgsql:</c>, a query against any PostgreSQL database (pgsql_table(5)).</summary>
internal sealed class PgsqlTable(TableReference reference, SqlTableConfig config, ForeignDatabase database, ListMatcher? domains, Action<string> warn)
    : QueryTable(reference, config.Results, domains, warn)
{
    public override ValueTask DisposeAsync() => database.DisposeAsync();

    protected override async Task<IReadOnlyList<string>?> AskAsync(string key, CancellationToken cancellationToken) =>
        KeyTemplate.Query(config.Query, key, KeyQuoting.Sql) is { } sql ? await database.QueryAsync(sql, cancellationToken).ConfigureAwait(false) : null;
}
