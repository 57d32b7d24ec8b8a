using System.Diagnostics;
using System.Globalization;

namespace Mta.Benchmarks.Scale;

/// <summary>
/// Fills the deferred queue by SQL: messages of 1 KB with one recipient each, some days old. A fifth of them, but at most a million, is
/// for one dead destination, and due; the rest is for a thousand others and due in an hour or more.
/// </summary>
internal sealed class DeferredFill(QueueDatabase database, int deadPort)
{
    public const int Destinations = 1000;

    private const int BatchMessages = 50_000;

    /// <summary>What a message takes with its recipient, content, indexes, and its share of the write-ahead log.</summary>
    private const long BytesPerMessage = 2200;

    private const long WriteAheadLog = 3_000_000_000;

    public string DeadDestination { get; } = $"[127.0.0.1]:{deadPort}";

    public static int DeadMessages(int messages) => Math.Min(messages / 5, 1_000_000);

    /// <summary>Bytes that filling needs, in <paramref name="directory"/>; fails when they are not there.</summary>
    public static void CheckDisk(string directory, int messages)
    {
        var needed = (messages * BytesPerMessage) + WriteAheadLog;
        var free = new DriveInfo(directory).AvailableFreeSpace;
        Console.Error.WriteLine($"bench: {messages} messages need {needed / 1e9:0.0} GB in {directory}; {free / 1e9:0.0} GB are free");

        // PostgreSQL stops when its disk is full, and others may use this one.
        if (free < needed * 3 / 2)
        {
            throw new BenchmarkException("that is too little to be safe; TMPDIR chooses another place");
        }
    }

    /// <returns>Seconds that it took.</returns>
    public async Task<double> FillAsync(int messages, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        for (var first = 0; first < messages; first += BatchMessages)
        {
            var last = Math.Min(first + BatchMessages, messages) - 1;
            await database.ExecuteAsync(Insert(first, last, messages), cancellationToken).ConfigureAwait(false);
            if (first / BatchMessages % 10 == 9)
            {
                Console.Error.WriteLine($"bench: filled {last + 1}");
            }
        }

        await database.ExecuteAsync(
            """
            -- The dead one is asleep until its turn.
            INSERT INTO mta_store.destination (name, next_due) SELECT destination, CASE WHEN min(due_at) > now() THEN min(due_at) ELSE 'infinity' END FROM mta_store.deferred GROUP BY destination
            ON CONFLICT (name) DO UPDATE SET next_due = excluded.next_due
            """,
            cancellationToken).ConfigureAwait(false);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    // 20 ms apart; node number 0 is one of SQL's, so that no node makes the same ids.
    private string Insert(int first, int last, int messages) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        WITH m AS MATERIALIZED (
            SELECT ((extract(epoch FROM now() - interval '4 days')::bigint - 1577836800) * 1000000 + n * 20000) << 12 AS id, n,
                   n * 7919 % {messages} < {DeadMessages(messages)} AS dead FROM generate_series({first}::bigint, {last}::bigint) AS n),
        r AS (INSERT INTO mta_store.recipient (message_id, number, address, dsn, reason)
            SELECT id, 0, 'user' || n || '@' || CASE WHEN dead THEN 'dead.example' ELSE 'd' || n % {Destinations} || '.example' END, '4.4.1',
                   CASE WHEN dead THEN 'connect to 127.0.0.1[127.0.0.1]:{deadPort}: Connection refused'
                        ELSE 'connect to mx' || n % {Destinations} || '.example[192.0.2.1]:25: Connection timed out' END FROM m),
        c AS (INSERT INTO mta_store.content (message_id, chunk, data)
            SELECT id, 0, convert_to('Subject: ' || n || E'\n\n' || repeat(md5(n::text), 31) || E'\n', 'UTF8') FROM m)
        INSERT INTO mta_store.deferred (id, sender, size, recipient_count, client_name, client_address, client_port, protocol, helo, message_id,
               chunk_count, attempts, destination, due_at)
        SELECT id, 'sender' || n % 5000 || '@example.com', 1024, 1, 'client.example.com', '192.0.2.7', 40000, 'ESMTP', 'client.example.com',
               '<' || n || '@example.com>', 1, 3, CASE WHEN dead THEN '[127.0.0.1]:{deadPort}' ELSE 'd' || n % {Destinations} || '.example' END,
               now() + interval '1 hour' * CASE WHEN dead THEN -random() ELSE 1 + random() END
        FROM m
        """);
}
