namespace Mta.Core.Lookup.Queries;

/// <summary>The query of a pgsql_table(5) or sqlite_table(5), and what is done with its results.</summary>
public sealed record SqlTableConfig(string Query, ResultRules Results)
{
    /// <summary>Reads the parameters by name; those that are not set are null.</summary>
    /// <returns>Null with the reason in <paramref name="problem"/>.</returns>
    public static SqlTableConfig? Read(Func<string, string?> get, out string? problem)
    {
        if (ResultRules.Read(get, out problem) is not { } results)
        {
            return null;
        }

        if (QueryOf(get) is not { } query)
        {
            problem = "need query, select_function, or table, select_field and where_field";
            return null;
        }

        return new SqlTableConfig(query, results);
    }

    private static string? QueryOf(Func<string, string?> get)
    {
        if (get("query") is { Length: > 0 } query)
        {
            return query;
        }

        if (get("select_function") is { Length: > 0 } function)
        {
            return $"SELECT {function}('%s')";
        }

        return get("table") is { Length: > 0 } table && get("select_field") is { Length: > 0 } field && get("where_field") is { Length: > 0 } where
            ? $"SELECT {field} FROM {table} WHERE {where} = '%s' {get("additional_conditions")}"
            : null;
    }
}
