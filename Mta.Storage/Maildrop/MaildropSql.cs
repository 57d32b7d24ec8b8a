namespace Mta.Storage.Maildrop;

/// <summary>The statements of maildrop, named as the methods that run them. The functions are in sql/migrations/0004_maildrop.sql.</summary>
public static class MaildropSql
{
    /// <summary>
    /// Runs in the transaction that enqueues mail from maildrop, with the array of its ids: it deletes them there, or fails the
    /// transaction with SQLSTATE MTA01 when another node enqueued one of them before.
    /// </summary>
    public const string Finish = "SELECT mta.maildrop_finish($1)";

    /// <summary>The SQLSTATE of <see cref="Finish"/> for mail that another node enqueued.</summary>
    public const string AlreadyEnqueued = "MTA01";

    internal const string Begin = "SELECT mta.submit_begin($1, $2, $3, $4, $5, $6, $7)";

    internal const string Append = "SELECT mta.submit_append($1, $2)";

    internal const string End = "SELECT mta.submit_finish($1)";

    internal const string Take =
        "SELECT id, sender, recipients, notify, dsn_return, envelope_id, flags, user_id, submitted_by, size, chunk_count, attempts " +
        "FROM mta.maildrop_take($1, $2) ORDER BY id";

    internal const string ReadChunk = "SELECT data FROM mta_store.maildrop_chunk WHERE message_id = $1 AND chunk = $2";

    internal const string Release =
        "UPDATE mta_store.maildrop SET taken_until = CASE WHEN $2 > interval '0' THEN clock_timestamp() + $2 END WHERE id = $1";

    internal const string Discard = "DELETE FROM mta_store.maildrop WHERE id = $1";

    internal const string Sweep = "SELECT mta.maildrop_sweep()";

    internal const string MarkFile = "INSERT INTO mta_store.maildrop_file (name) VALUES ($1) ON CONFLICT DO NOTHING";

    internal const string UnmarkFile = "DELETE FROM mta_store.maildrop_file WHERE name = $1";
}
