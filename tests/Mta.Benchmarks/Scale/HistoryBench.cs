namespace Mta.Benchmarks.Scale;

/// <summary>
/// What the history costs at full load: two servers in turns, one that keeps it and one whose database throws the rows away. There the name of
/// the table is a view's, with a trigger that does nothing: the program sends and counts the same rows (one that came to nothing would count as a
/// possible duplicate), and of the database's work the call of that trigger is all that is left.
/// </summary>
internal sealed class HistoryBench(BenchmarkOptions options)
{
    private const double LeastShare = 90;

    private const string ThrowAway =
        """
        ALTER TABLE mta.delivery_log RENAME TO delivery_log_unused;
        CREATE VIEW mta.delivery_log AS SELECT * FROM mta.delivery_log_unused;
        CREATE FUNCTION mta.throw_away() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER throw_away INSTEAD OF INSERT ON mta.delivery_log FOR EACH ROW EXECUTE FUNCTION mta.throw_away();
        ALTER VIEW mta.delivery_log OWNER TO mta_owner;
        GRANT SELECT, INSERT ON mta.delivery_log TO mta_daemon;
        GRANT EXECUTE ON FUNCTION mta.throw_away() TO mta_daemon
        """;

    /// <summary>False when the history costs more than it may.</summary>
    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        var directory = Bench.NewDirectory();
        var verdicts = new Verdicts(Console.Out);
        try
        {
            await using var with = await TurnServer.StartAsync(new MtaServer(directory, options, "with history"), cancellationToken).ConfigureAwait(false);
            await using var without = await TurnServer.StartAsync(new MtaServer(directory, options, "without history"), cancellationToken).ConfigureAwait(false);
            await without.WaitUntilIdleAsync(cancellationToken).ConfigureAwait(false);
            await without.Database.ExecuteAsync(ThrowAway, cancellationToken).ConfigureAwait(false);
            await with.SettleAsync(cancellationToken).ConfigureAwait(false);
            await without.SettleAsync(cancellationToken).ConfigureAwait(false);

            var (before, beforeWithout) = (await RowsAsync(with, cancellationToken).ConfigureAwait(false), await RowsAsync(without, cancellationToken).ConfigureAwait(false));
            var messages = options.Quick ? 2000 : 15_000;
            var (kept, thrown) = await TurnServer.MeasureAsync(with, without, options.Turns, messages, cancellationToken).ConfigureAwait(false);
            await with.WaitUntilIdleAsync(cancellationToken).ConfigureAwait(false);
            await without.WaitUntilIdleAsync(cancellationToken).ConfigureAwait(false);
            verdicts.AtLeast("rows of history of the one that keeps it", await RowsAsync(with, cancellationToken).ConfigureAwait(false) - before, messages * (options.Turns + 1), "rows");
            verdicts.AtMost("rows of history of the other", await RowsAsync(without, cancellationToken).ConfigureAwait(false) - beforeWithout, 0, "rows");
            verdicts.Note("rate with history", Statistics.Median(kept.Select(m => m.Rate)), "msg/s");
            verdicts.Note("rate without", Statistics.Median(thrown.Select(m => m.Rate)), "msg/s");
            verdicts.Note("CPU a message with history", Statistics.Median(kept.Select(m => m.Cpu)) * 1000, "ms");
            verdicts.Note("CPU a message without", Statistics.Median(thrown.Select(m => m.Cpu)) * 1000, "ms");
            verdicts.AtLeast("rate with history as a part of that without", Statistics.Median(kept.Zip(thrown, (k, t) => 100 * k.Rate / t.Rate)), LeastShare, "%");
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        verdicts.Print();
        return verdicts.AllKept;
    }

    private static Task<double> RowsAsync(TurnServer server, CancellationToken cancellationToken) =>
        server.Database.NumberAsync("SELECT count(*) FROM mta.delivery_log", cancellationToken);
}
