using System.Diagnostics;
using System.Globalization;

namespace Mta.Benchmarks.Scale;

/// <summary>
/// Steady load while a transaction with a snapshot, which has read the views of the queue, stays open: no dead row can go. The rate has to
/// stay, growth to be linear, and the space to be used again soon after the snapshot ends.
/// </summary>
internal sealed class Soak(SoakPlan plan, int port, MailSink sink, QueueDatabase database, Verdicts verdicts)
{
    private const int Sessions = 20;
    private const int MessageSize = 4096;

    /// <summary>Dead rows, history, log file; more than measured.</summary>
    private const int BytesPerMessage = 12_000;

    // The history grows with the messages, whatever else happens.
    private const string Size =
        "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'mta_store'::regnamespace AND relkind = 'r'";

    private const string DeadRows = "SELECT sum(n_dead_tup) FROM pg_stat_user_tables WHERE schemaname = 'mta_store'";

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var capacity = await CapacityAsync(cancellationToken).ConfigureAwait(false);
        verdicts.Note("capacity", capacity, "msg/s");
        await SettleAsync(capacity * plan.Share, cancellationToken).ConfigureAwait(false);
        await using var load = PacedLoad.Start(port, capacity * plan.Share, Sessions, MessageSize);
        var samples = new List<Sample>();
        await using (await HeldSnapshot.OpenAsync(database, cancellationToken).ConfigureAwait(false))
        {
            await SampleAsync(plan.Held, samples, cancellationToken).ConfigureAwait(false);
        }

        Judge(samples);
        var after = new List<Sample>();
        await SampleAsync(plan.Reuse, after, cancellationToken).ConfigureAwait(false);
        JudgeReuse(samples, after);
        verdicts.AtMost("refused or cut off", load.Refused, 0, "msg");
    }

    private async Task<double> CapacityAsync(CancellationToken cancellationToken)
    {
        await using var load = PacedLoad.Start(port, double.PositiveInfinity, Sessions, MessageSize);
        await Task.Delay(plan.Measuring / 4, cancellationToken).ConfigureAwait(false);
        var (start, before) = (Stopwatch.GetTimestamp(), sink.Messages);
        await Task.Delay(plan.Measuring * 3 / 4, cancellationToken).ConfigureAwait(false);
        return (sink.Messages - before) / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Room that the first load has left behind would hide how much the second takes.</summary>
    private async Task SettleAsync(double rate, CancellationToken cancellationToken)
    {
        while (await database.NumberAsync("SELECT count(*) FROM mta_store.active", cancellationToken).ConfigureAwait(false) > 0)
        {
            await Task.Delay(100, cancellationToken).ConfigureAwait(false);
        }

        await database.ExecuteAsync("VACUUM mta_store.active, mta_store.recipient, mta_store.content", cancellationToken).ConfigureAwait(false);
        var needed = rate * plan.Held.TotalSeconds * BytesPerMessage;
        var directory = (await database.TextsAsync("SELECT setting FROM pg_settings WHERE name = 'data_directory'", cancellationToken).ConfigureAwait(false))[0];
        if (Directory.Exists(directory) && new DriveInfo(directory).AvailableFreeSpace is var free && free < needed * 3 / 2)
        {
            throw new BenchmarkException($"the snapshot will keep {needed / 1e9:0.0} GB in {directory}; {free / 1e9:0.0} GB free are too little to be safe");
        }
    }

    private async Task SampleAsync(TimeSpan length, List<Sample> samples, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        var step = length / 60 < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1) : length / 60;
        while (true)
        {
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            samples.Add(new Sample(
                seconds,
                sink.Messages,
                await database.NumberAsync(Size, cancellationToken).ConfigureAwait(false),
                await database.NumberAsync(DeadRows, cancellationToken).ConfigureAwait(false)));
            var left = length.TotalSeconds - seconds;
            if (samples.Count % 10 == 0 || left <= 0)
            {
                var s = samples[^1];
                Console.Error.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"bench: {s.Seconds:0} s: {s.Messages} messages, {s.Bytes / 1e6:0} MB, {s.DeadRows:0} dead rows, {Rate(samples, s.Seconds - (10 * step.TotalSeconds), s.Seconds):0} msg/s"));
            }

            if (left <= 0)
            {
                return;
            }

            await Task.Delay(step.TotalSeconds < left ? step : TimeSpan.FromSeconds(left), cancellationToken).ConfigureAwait(false);
        }
    }

    private void Judge(List<Sample> samples)
    {
        var end = samples[^1].Seconds;
        var (first, last) = (Rate(samples, 0, plan.Compared.TotalSeconds), Rate(samples, end - plan.Compared.TotalSeconds, end));
        verdicts.Note($"rate in the first {plan.Compared.TotalSeconds:0} s", first, "msg/s");
        verdicts.Note($"rate in the last {plan.Compared.TotalSeconds:0} s", last, "msg/s");
        verdicts.AtLeast("rate at the end as a part of that at the beginning", 100 * last / first, plan.LeastRate, "%");

        // Otherwise nothing was tried: the snapshot keeps at least the content of each message.
        var messages = samples[^1].Messages - samples[0].Messages;
        verdicts.AtLeast("dead rows that the snapshot kept, for each message", (samples[^1].DeadRows - samples[0].DeadRows) / messages, 1, "rows");
        verdicts.Note("growth with the snapshot", (samples[^1].Bytes - samples[0].Bytes) / 1e6, "MB");
        verdicts.Note("growth for each message", (samples[^1].Bytes - samples[0].Bytes) / messages / 1e3, "KB");
        var half = samples.FindIndex(s => s.Seconds >= end / 2);
        verdicts.AtMost(
            "growth for each message, second half as a part of the first",
            100 * Growth(samples, half, samples.Count - 1) / Growth(samples, 0, half), plan.MostGrowth, "%");
    }

    /// <summary>By the last third of the time there has to be room for what comes.</summary>
    private void JudgeReuse(List<Sample> held, List<Sample> after)
    {
        var from = after.FindIndex(s => s.Seconds >= after[^1].Seconds * 2 / 3);
        verdicts.AtMost(
            $"growth for each message {after[from].Seconds:0} to {after[^1].Seconds:0} s after the snapshot, as a part of that with it",
            100 * Growth(after, from, after.Count - 1) / Growth(held, 0, held.Count - 1), plan.MostGrowthAfter, "%");
        verdicts.AtMost(
            "dead rows left, as a part of those that the snapshot kept", 100 * after[from..].Min(s => s.DeadRows) / held[^1].DeadRows, 20, "%");
        verdicts.Note("size at the end", after[^1].Bytes / 1e6, "MB");
    }

    private static double Rate(List<Sample> samples, double from, double to)
    {
        var first = samples.FindLast(s => s.Seconds <= from) ?? samples[0];
        var last = samples.FindLast(s => s.Seconds <= to)!;
        return (last.Messages - first.Messages) / (last.Seconds - first.Seconds);
    }

    private static double Growth(List<Sample> samples, int from, int to) =>
        (samples[to].Bytes - samples[from].Bytes) / (samples[to].Messages - samples[from].Messages);

    private sealed record Sample(double Seconds, long Messages, double Bytes, double DeadRows);
}
