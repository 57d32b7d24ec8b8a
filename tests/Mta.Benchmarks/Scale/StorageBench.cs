using System.Diagnostics;
using System.Globalization;
using System.Text;
using Npgsql;

namespace Mta.Benchmarks.Scale;

/// <summary>
/// Ways to store what comes and goes, side by side on one PostgreSQL with the queue's settings: content in its row, out of line, and compressed;
/// rows of a plain table that are deleted, and a ring of partitions that are truncated when they are empty, with and without a transaction
/// that stays open and has read them, or has read something else, as a report has that goes through the queue's views, which have no contents;
/// and how soon autovacuum comes to a table with a backlog.
/// </summary>
internal sealed class StorageBench(BenchmarkOptions options)
{
    private const int BatchRows = 50;
    private const int Writers = 2;
    private const int Slices = 8;
    private const int BacklogRows = 500_000;

    /// <summary>Autovacuum looks at its tables every 15 seconds.</summary>
    private const int CleaningFactor = 4;

    private static readonly string[] Parts = ["content", "ring", "vacuum"];

    private static readonly (string Name, string Storage, int Target)[] Contents =
    [
        ("in its row (EXTERNAL, toast_tuple_target 8160)", "SET STORAGE EXTERNAL", 8160),
        ("out of line (EXTERNAL, default target)", "SET STORAGE EXTERNAL", 128),
        ("in its row, pglz", "SET STORAGE EXTENDED, ALTER data SET COMPRESSION pglz", 2040),
        ("in its row, lz4", "SET STORAGE EXTENDED, ALTER data SET COMPRESSION lz4", 2040),
    ];

    private static readonly (string Name, string Settings)[] Cleanings =
    [
        ("autovacuum by default", ""),
        ("autovacuum after 20,000 dead rows, without delays", ", autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0"),
    ];

    private readonly Verdicts verdicts = new(Console.Out);
    private readonly double seconds = options.Quick ? 2 : 10;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var directory = Bench.NewDirectory();
        var server = new MtaServer(directory, options);
        await server.StartAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await using var database = new QueueDatabase(server.DatabaseConnection);
            foreach (var size in Wants("content") ? (int[])[1024, 4096, 65536] : [])
            {
                foreach (var (name, storage, target) in Contents)
                {
                    await ContentAsync(server, database, size, name, storage, target, cancellationToken).ConfigureAwait(false);
                }
            }

            foreach (var held in Wants("ring") ? Enum.GetValues<Held>() : [])
            {
                await PlainAsync(server, database, held, cancellationToken).ConfigureAwait(false);
                await RingAsync(server, database, held, cancellationToken).ConfigureAwait(false);
            }

            foreach (var held in Wants("vacuum") ? (Held[])[Held.Nothing, Held.SomethingElse] : [])
            {
                foreach (var (name, settings) in Cleanings)
                {
                    await CleaningAsync(server, database, name, settings, held, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            await server.StopAsync().ConfigureAwait(false);
            Directory.Delete(directory, recursive: true);
        }

        verdicts.Print();
    }

    private async Task ContentAsync(MtaServer server, QueueDatabase database, int size, string name, string storage, int target, CancellationToken cancellationToken)
    {
        await database.ExecuteAsync(
            string.Create(
                CultureInfo.InvariantCulture,
                $"DROP TABLE IF EXISTS public.c; CREATE TABLE public.c (id bigint PRIMARY KEY, data bytea NOT NULL) WITH (toast_tuple_target = {target}); ALTER TABLE public.c ALTER data {storage}"),
            cancellationToken).ConfigureAwait(false);
        await MeasureAsync(server, database, string.Create(CultureInfo.InvariantCulture, $"{size / 1024} KB {name}"), size, "public.c", null, cancellationToken).ConfigureAwait(false);
    }

    private async Task PlainAsync(MtaServer server, QueueDatabase database, Held held, CancellationToken cancellationToken)
    {
        await database.ExecuteAsync(
            "DROP TABLE IF EXISTS public.c; CREATE TABLE public.c (id bigint PRIMARY KEY, data bytea NOT NULL) WITH (toast_tuple_target = 8160); ALTER TABLE public.c ALTER data SET STORAGE EXTERNAL",
            cancellationToken).ConfigureAwait(false);
        await using var snapshot = await HoldAsync(database, held, cancellationToken).ConfigureAwait(false);
        await MeasureAsync(server, database, "4 KB, plain table" + Describe(held), 4096, "public.c", null, cancellationToken).ConfigureAwait(false);
    }

    private async Task RingAsync(MtaServer server, QueueDatabase database, Held held, CancellationToken cancellationToken)
    {
        var ddl = new StringBuilder("DROP TABLE IF EXISTS public.c; CREATE TABLE public.c (id bigint NOT NULL, slice smallint NOT NULL, data bytea NOT NULL, PRIMARY KEY (id, slice)) PARTITION BY LIST (slice);");
        for (var i = 0; i < Slices; i++)
        {
            ddl.Append(CultureInfo.InvariantCulture, $"CREATE TABLE public.c{i} PARTITION OF public.c FOR VALUES IN ({i}) WITH (toast_tuple_target = 8160); ALTER TABLE public.c{i} ALTER data SET STORAGE EXTERNAL;");
        }

        await database.ExecuteAsync(ddl.ToString(), cancellationToken).ConfigureAwait(false);
        await using var snapshot = await HoldAsync(database, held, cancellationToken).ConfigureAwait(false);
        var ring = new Ring(database, TimeSpan.FromSeconds(seconds / Slices));
        await MeasureAsync(server, database, "4 KB, ring of partitions" + Describe(held), 4096, "public.c", ring, cancellationToken).ConfigureAwait(false);
        verdicts.Note("    partitions truncated", ring.Truncated, "");
        verdicts.Note("    given up for a lock", ring.Refused, "");
    }

    /// <summary>A backlog that stays, and mail that comes and goes beside it: how much of a table that is dead makes autovacuum come.</summary>
    private async Task CleaningAsync(MtaServer server, QueueDatabase database, string name, string settings, Held held, CancellationToken cancellationToken)
    {
        await database.ExecuteAsync(
            string.Create(
                CultureInfo.InvariantCulture,
                $"""
                DROP TABLE IF EXISTS public.c;
                CREATE TABLE public.c (id bigint PRIMARY KEY, data bytea NOT NULL) WITH (toast_tuple_target = 8160{settings});
                ALTER TABLE public.c ALTER data SET STORAGE EXTERNAL;
                INSERT INTO public.c SELECT -n, convert_to(repeat(md5(n::text), 32), 'UTF8') FROM generate_series(1, {BacklogRows}) n;
                """),
            cancellationToken).ConfigureAwait(false);
        await database.ExecuteAsync("VACUUM (ANALYZE) public.c", cancellationToken).ConfigureAwait(false);
        await database.ExecuteAsync("CHECKPOINT", cancellationToken).ConfigureAwait(false);
        await using (await HoldAsync(database, held, cancellationToken).ConfigureAwait(false))
        {
            await MeasureAsync(
                server, database, $"1 KB beside a backlog of {BacklogRows}, {name}{Describe(held)}", 1024, "public.c", null, cancellationToken, CleaningFactor).ConfigureAwait(false);
        }

        verdicts.Note("    autovacuum came", await database.NumberAsync("SELECT autovacuum_count FROM pg_stat_user_tables WHERE relid = 'public.c'::regclass", cancellationToken).ConfigureAwait(false), "times");
    }

    private static async Task<NpgsqlConnection?> HoldAsync(QueueDatabase database, Held held, CancellationToken cancellationToken)
    {
        if (held == Held.Nothing)
        {
            return null;
        }

        var connection = await database.Source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        var table = held == Held.TheTable ? "public.c" : "mta_store.active";
        await using var command = new NpgsqlCommand($"BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM {table}", connection);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        return connection;
    }

    private static string Describe(Held held) => held switch
    {
        Held.TheTable => ", read by a transaction that stays open",
        Held.SomethingElse => ", while a transaction stays open that has read other tables",
        _ => "",
    };

    private bool Wants(string part) => options.Parts.Contains(part) || !options.Parts.Intersect(Parts).Any();

    /// <summary>Writers insert a batch and delete the one before it, each in a transaction, as mail comes and goes.</summary>
    private async Task MeasureAsync(MtaServer server, QueueDatabase database, string name, int size, string table, Ring? ring, CancellationToken cancellationToken, int factor = 1)
    {
        var content = Encoding.ASCII.GetBytes(PacedLoad.Text(size))[..size];
        var postgres = server.AllProcesses.Except(server.OwnProcesses).ToArray();
        var cpu = ProcessGroup.CpuSeconds(postgres);
        var start = Stopwatch.GetTimestamp();
        var turning = ring?.TurnAsync(seconds, cancellationToken) ?? Task.CompletedTask;
        var rows = await Task.WhenAll(Enumerable.Range(0, Writers).Select(w => Task.Run(() => WriteAsync(database, table, w, content, ring, start, seconds * factor, cancellationToken)))).ConfigureAwait(false);
        await turning.ConfigureAwait(false);
        var elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        cpu = ProcessGroup.CpuSeconds(postgres) - cpu;
        verdicts.Note(name + ": rate", rows.Sum() / elapsed, "row/s");
        verdicts.Note("    CPU of PostgreSQL a row", cpu * 1e6 / rows.Sum(), "us");
        verdicts.Note("    size at the end", await database.NumberAsync("SELECT greatest(pg_total_relation_size('public.c'), (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('public.c')))", cancellationToken).ConfigureAwait(false) / 1e6, "MB");
    }

    private async Task<long> WriteAsync(QueueDatabase database, string table, int writer, byte[] content, Ring? ring, long start, double limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.Source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        var (columns, values) = ring is null ? ("id, data", "$1, $2") : ("id, slice, data", "$1, $3, $2");
        await using var insert = new NpgsqlCommand($"INSERT INTO {table} ({columns}) SELECT {values.Replace("$1", "u.id", StringComparison.Ordinal)} FROM unnest($1::bigint[]) AS u(id)", connection);
        await using var delete = new NpgsqlCommand($"DELETE FROM {table} WHERE id = ANY ($1){(ring is null ? "" : " AND slice = $2")}", connection);
        insert.Parameters.Add(new() { Value = Array.Empty<long>() });
        insert.Parameters.Add(new() { Value = content });
        delete.Parameters.Add(new() { Value = Array.Empty<long>() });
        if (ring is not null)
        {
            insert.Parameters.Add(new() { Value = (short)0 });
            delete.Parameters.Add(new() { Value = (short)0 });
        }

        long written = 0;
        (long[] Ids, short Slice)? before = null;
        for (long batch = 0; Stopwatch.GetElapsedTime(start).TotalSeconds < limit; batch++)
        {
            var ids = Enumerable.Range(0, BatchRows).Select(i => (((batch * BatchRows) + i) * Writers) + writer).ToArray();
            var slice = ring?.Current ?? 0;
            insert.Parameters[0].Value = ids;
            if (ring is not null)
            {
                insert.Parameters[2].Value = slice;
            }

            await insert.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            if (before is { } done)
            {
                delete.Parameters[0].Value = done.Ids;
                if (ring is not null)
                {
                    delete.Parameters[1].Value = done.Slice;
                }

                await delete.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            }

            before = (ids, slice);
            written += BatchRows;
        }

        return written;
    }

    /// <summary>What a transaction has read that stays open meanwhile.</summary>
    private enum Held
    {
        Nothing,
        TheTable,
        SomethingElse,
    }

    /// <summary>Moves on to the next partition, and truncates those behind that are empty.</summary>
    private sealed class Ring(QueueDatabase database, TimeSpan turn)
    {
        private int current;

        public short Current => (short)(Volatile.Read(ref current) % Slices);

        public int Truncated { get; private set; }

        public int Refused { get; private set; }

        public async Task TurnAsync(double seconds, CancellationToken cancellationToken)
        {
            for (var elapsed = 0.0; elapsed < seconds; elapsed += turn.TotalSeconds)
            {
                await Task.Delay(turn, cancellationToken).ConfigureAwait(false);
                var left = Volatile.Read(ref current) % Slices;
                Interlocked.Increment(ref current);

                // The last batch of each writer is deleted with its next one.
                await Task.Delay(turn / 4, cancellationToken).ConfigureAwait(false);
                try
                {
                    await database.ExecuteAsync(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"BEGIN; SET LOCAL lock_timeout = '50ms'; DO $$BEGIN IF NOT EXISTS (SELECT FROM public.c{left}) THEN TRUNCATE public.c{left}; END IF; END$$; COMMIT"),
                        cancellationToken).ConfigureAwait(false);
                    Truncated++;
                }
                catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
                {
                    Refused++;
                }
            }
        }
    }
}
