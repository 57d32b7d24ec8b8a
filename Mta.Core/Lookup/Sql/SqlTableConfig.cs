using System.Globalization;

namespace Mta.Core.Lookup.Sql;

/// <summary>The parameters of a pgsql_table(5).</summary>
public sealed record SqlTableConfig(
    string Hosts, string User, string Password, string Database, string Query, string ResultFormat, string Domain, int ExpansionLimit)
{
    /// <summary>Reads the parameters by name; those that are not set are null.</summary>
    /// <returns>Null with the reason in <paramref name="problem"/>.</returns>
    public static SqlTableConfig? Read(Func<string, string?> get, out string? problem)
    {
        var limit = get("expansion_limit") is { Length: > 0 } text ? text : "0";
        if (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out var expansionLimit))
        {
            problem = $"bad numerical configuration: expansion_limit = {limit}";
            return null;
        }

        if (QueryOf(get) is not { } query)
        {
            problem = "need query, select_function, or table, select_field and where_field";
            return null;
        }

        problem = null;
        return new SqlTableConfig(
            get("hosts") ?? "", get("user") ?? "", get("password") ?? "", get("dbname") ?? "", query,
            get("result_format") is { Length: > 0 } format ? format : "%s", get("domain") ?? "", expansionLimit);
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
