using System.Text;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Core.Lookup.Sql;
using Mta.Storage;
using Mta.Storage.Maps;

namespace Mta.Services.Maps.Tables;

/// <summary>
/// <c>pgsql:</c>, a query of an administrator's own against any PostgreSQL database (pgsql_table(5)). Each lookup asks the database: what
/// is changed there counts at once. A database that does not answer, and a result over expansion_limit, fail the lookup.
/// </summary>
internal sealed class PgsqlTable : ILookupTable, IAsyncDisposable
{
    private readonly SqlTableConfig config;
    private readonly ForeignDatabase database;
    private readonly ListMatcher? domains;
    private readonly Action<string> warn;

    public PgsqlTable(TableReference reference, SqlTableConfig config, ForeignDatabase database, ListMatcher? domains, Action<string> warn)
    {
        Reference = reference.ToString();
        this.config = config;
        this.database = database;
        this.domains = domains;
        this.warn = warn;
    }

    public string Reference { get; }

    public bool MatchesWholeKey => false;

    /// <summary>The parameters: of a file when the name is a path, else of main.cf under the name as prefix.</summary>
    public static SqlTableConfig? ReadConfig(TableReference reference, Settings? settings, out string? problem)
    {
        if (reference.Name is not ['/' or '.', ..])
        {
            return SqlTableConfig.Read(name => settings?.Text($"{reference.Name}_{name}"), out problem);
        }

        try
        {
            var values = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var entry in MainCf.Parse(reference.Name, File.ReadAllText(reference.Name)).Entries)
            {
                values[entry.Name] = entry.Value;
            }

            return SqlTableConfig.Read(values.GetValueOrDefault, out problem);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            problem = $"open {reference.Name}: {e.Message}";
            return null;
        }
    }

    public async ValueTask<LookupResult> FindAsync(string key, CancellationToken cancellationToken)
    {
        key = key.ToLowerInvariant();
        if (key.Contains('\0'))
        {
            return LookupResult.NotFound;
        }

        var at = key.LastIndexOf('@');
        if (domains is not null)
        {
            var eligible = at > 0 ? await domains.MatchAsync(key[(at + 1)..], cancellationToken).ConfigureAwait(false) : LookupResult.NotFound;
            if (!eligible.IsFound)
            {
                return eligible;
            }
        }

        if (SqlTemplate.Query(config.Query, key) is not { } sql)
        {
            return LookupResult.NotFound;
        }

        try
        {
            return Format(await database.QueryAsync(sql, cancellationToken).ConfigureAwait(false), key);
        }
        catch (StorageException e)
        {
            warn($"{Reference}: {e.Message}");
            return LookupResult.Failed($"{Reference}: {e.Message}");
        }
    }

    public ValueTask DisposeAsync() => database.DisposeAsync();

    private LookupResult Format(List<string> values, string key)
    {
        var result = new StringBuilder();
        var count = 0;
        foreach (var value in values)
        {
            if (SqlTemplate.Result(config.ResultFormat, value, key) is not { } text)
            {
                continue;
            }

            if (config.ExpansionLimit > 0 && ++count > config.ExpansionLimit)
            {
                warn($"{Reference}: Expansion limit exceeded for key: '{key}'");
                return LookupResult.Failed($"{Reference}: Expansion limit exceeded for key: '{key}'");
            }

            result.Append(result.Length > 0 ? "," : "").Append(text);
        }

        return result.Length > 0 ? LookupResult.Found(result.ToString()) : LookupResult.NotFound;
    }
}
