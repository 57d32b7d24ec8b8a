using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.Showq;

/// <summary>How many recipients, or messages by sender, of a domain are in an age bucket, from 1 on.</summary>
public readonly record struct ShapeCount(string Domain, int Bucket, long Count);

/// <summary>Counts the mail of queues by domain and age; the database does the counting, so that millions cost no memory here.</summary>
public sealed class QueueShape(DatabasePool source)
{
    /// <summary>The queues that can be asked for, by Postfix's names.</summary>
    public static readonly IReadOnlyList<string> Queues = ["maildrop", "hold", "incoming", "active", "deferred", "corrupt"];

    private const string Messages =
        """
        WITH message AS (
            SELECT id, sender, NULL::text[] AS recipients FROM mta_store.incoming WHERE 'incoming' = ANY ($1)
            UNION ALL SELECT id, sender, NULL FROM mta_store.active WHERE 'active' = ANY ($1)
            UNION ALL SELECT id, sender, NULL FROM mta_store.deferred WHERE 'deferred' = ANY ($1)
            UNION ALL SELECT id, sender, NULL FROM mta_store.hold WHERE 'hold' = ANY ($1)
            UNION ALL SELECT id, sender, NULL FROM mta_store.corrupt WHERE 'corrupt' = ANY ($1)
            UNION ALL SELECT id, sender, recipients FROM mta_store.maildrop WHERE 'maildrop' = ANY ($1)),
        """;

    private const string Recipients =
        """
        address AS (
            SELECT m.id, r.address FROM message m JOIN mta_store.recipient r ON r.message_id = m.id WHERE m.recipients IS NULL
            UNION ALL SELECT m.id, unnest(m.recipients) FROM message m WHERE m.recipients IS NOT NULL)
        """;

    private const string Senders = "address AS (SELECT id, sender AS address FROM message)";

    // $2: minutes of the first bucket. $3: the last bucket. $4: buckets of one length.
    private const string Count =
        """
        , aged AS (SELECT lower(substring(address FROM '[^@]*$')) AS domain,
                          extract(epoch FROM now() - mta.queue_time(id))::float8 / (60 * $2::float8) AS age FROM address)
        SELECT domain, least(CASE WHEN age < 1 THEN 1 WHEN $4 THEN floor(age + 1) ELSE 2 + floor(ln(age) / ln(2)) END, $3)::int, count(*)
        FROM aged GROUP BY 1, 2
        """;

    /// <summary>Throws <see cref="StorageException"/>.</summary>
    public async Task<IReadOnlyList<ShapeCount>> CountAsync(
        IReadOnlyList<string> queues, bool bySender, int unit, int buckets, bool linear, CancellationToken cancellationToken) =>
        await StorageErrors.MapAsync(
            async () =>
            {
                var counts = new List<ShapeCount>();
                await using var command = source.CreateCommand(Messages + (bySender ? Senders : Recipients) + Count);
                command.Parameters.AddWithValue(queues.ToArray());
                command.Parameters.AddWithValue(unit);
                command.Parameters.AddWithValue(buckets);
                command.Parameters.AddWithValue(linear);
                await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    counts.Add(new ShapeCount(reader.GetString(0), reader.GetInt32(1), reader.GetInt64(2)));
                }

                return counts;
            }).ConfigureAwait(false);
}
