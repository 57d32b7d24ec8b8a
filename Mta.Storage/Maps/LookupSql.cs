namespace Mta.Storage.Maps;

/// <summary>The statements of <see cref="LookupStore"/> and <see cref="LookupWriter"/>, named as the methods.</summary>
internal static class LookupSql
{
    /// <summary>$1 names.</summary>
    public const string ReadVersions = "SELECT name, id, version, kind FROM mta.lookup_table WHERE name = ANY($1)";

    /// <summary>$1 name.</summary>
    public const string ReadKind = "SELECT kind FROM mta.lookup_table WHERE name = $1";

    /// <summary>$1 table, $2 rows at most.</summary>
    public const string ReadEntries = "SELECT key, value FROM mta.lookup_entry WHERE table_id = $1 LIMIT $2";

    /// <summary>$1 name. In key order.</summary>
    public const string ReadAll =
        """
        SELECT e.key, e.value
        FROM mta.lookup_table t JOIN mta.lookup_entry e ON e.table_id = t.id AND e.kind = t.kind
        WHERE t.name = $1 ORDER BY e.key
        """;

    /// <summary>$1 name, $2 key. No row when the table does not exist; a null value when only the key does not.</summary>
    public const string Find =
        """
        SELECT e.value
        FROM mta.lookup_table t LEFT JOIN mta.lookup_entry e ON e.table_id = t.id AND e.kind = t.kind AND e.key = $2
        WHERE t.name = $1
        """;

    /// <summary>$1 names, $2 keys. No row for a table that does not exist; one with a null key for one that has none of them.</summary>
    public const string FindMany =
        """
        SELECT t.name, e.key, e.value
        FROM mta.lookup_table t LEFT JOIN mta.lookup_entry e ON e.table_id = t.id AND e.kind = t.kind AND e.key = ANY($2)
        WHERE t.name = ANY($1)
        """;

    /// <summary>
    /// $1 name, $2 kind. Locks the table against other writers until the end of the transaction; makes it when it is missing. Gives its kind,
    /// and whether it has entries.
    /// </summary>
    public const string LockTable =
        """
        INSERT INTO mta.lookup_table AS t (name, kind) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET version = t.version + 1
        RETURNING id, kind, EXISTS (SELECT FROM mta.lookup_entry e WHERE e.table_id = t.id)
        """;

    /// <summary>$1 name, $2 kind. No row when the table exists or another node makes it.</summary>
    public const string MakeTable =
        "INSERT INTO mta.lookup_table (name, kind) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING id, kind, false";

    /// <summary>$1 table, $2 kind, of which the table must have no entries of another one.</summary>
    public const string SetKind = "UPDATE mta.lookup_table SET kind = $2 WHERE id = $1";

    /// <summary>$1 table.</summary>
    public const string Clear = "DELETE FROM mta.lookup_entry WHERE table_id = $1";

    public const string CopyEntries = "COPY mta.lookup_entry (table_id, key, value, kind) FROM STDIN (FORMAT BINARY)";

    public const string CopyStage = "COPY mta.lookup_stage (table_id, key, value) FROM STDIN (FORMAT BINARY)";

    /// <summary>$1 table, $2 kind. Only what differs is written, so that a rebuild with few changes stays cheap.</summary>
    public const string DeleteUnstaged =
        """
        DELETE FROM mta.lookup_entry e
        WHERE e.table_id = $1 AND e.kind = $2 AND NOT EXISTS (SELECT FROM mta.lookup_stage s WHERE s.table_id = $1 AND s.key = e.key)
        """;

    /// <summary>$1 table, $2 kind.</summary>
    public const string InsertStaged =
        """
        INSERT INTO mta.lookup_entry AS e (table_id, key, value, kind)
        SELECT table_id, key, value, $2 FROM mta.lookup_stage s
        WHERE table_id = $1 AND NOT EXISTS (
            SELECT FROM mta.lookup_entry same WHERE same.table_id = $1 AND same.kind = $2 AND same.key = s.key AND same.value = s.value)
        ON CONFLICT (table_id, key, kind) DO UPDATE SET value = excluded.value
        """;

    /// <summary>$1 table.</summary>
    public const string ClearStage = "DELETE FROM mta.lookup_stage WHERE table_id = $1";

    /// <summary>$1 table.</summary>
    public const string MarkBuilt = "UPDATE mta.lookup_table SET built_at = now() WHERE id = $1";

    /// <summary>$1 table, $2 keys, $3 values, $4 kind. Returns the keys that were new.</summary>
    public const string Add =
        """
        INSERT INTO mta.lookup_entry (table_id, key, value, kind)
        SELECT $1, key, value, $4 FROM unnest($2, $3) AS new (key, value)
        ON CONFLICT (table_id, key, kind) DO NOTHING
        RETURNING key
        """;

    /// <summary>$1 table, $2 keys, $3 values, $4 kind.</summary>
    public const string Replace =
        """
        INSERT INTO mta.lookup_entry AS e (table_id, key, value, kind)
        SELECT $1, key, value, $4 FROM unnest($2, $3) AS new (key, value)
        ON CONFLICT (table_id, key, kind) DO UPDATE SET value = excluded.value
        """;

    /// <summary>$1 name, $2 keys.</summary>
    public const string Delete =
        "DELETE FROM mta.lookup_entry e USING mta.lookup_table t WHERE t.name = $1 AND e.table_id = t.id AND e.kind = t.kind AND e.key = ANY($2)";

    /// <summary>$1 table. In order.</summary>
    public const string ReadRules = "SELECT position, rule FROM mta.pattern_rule WHERE table_id = $1 ORDER BY position";

    /// <summary>$1 table.</summary>
    public const string ClearRules = "DELETE FROM mta.pattern_rule WHERE table_id = $1";

    /// <summary>$1 table, $2 kind, $3 positions, $4 rules.</summary>
    public const string AddRules =
        "INSERT INTO mta.pattern_rule (table_id, kind, position, rule) SELECT $1, $2, position, rule FROM unnest($3, $4) AS new (position, rule)";

    /// <summary>What mends a row that breaks a rule, which is the comment of its constraint.</summary>
    public const string RuleHint = "SELECT min(obj_description(oid, 'pg_constraint')) FROM pg_constraint WHERE conname = $1 AND connamespace = 'mta'::regnamespace";
}
