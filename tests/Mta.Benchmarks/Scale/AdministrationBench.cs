using System.Diagnostics;

namespace Mta.Benchmarks.Scale;

/// <summary>Holds, releases, requeues and deletes many messages in SQL and by postsuper, while mail goes on being delivered.</summary>
internal sealed class AdministrationBench(TurnServer turn, Verdicts verdicts)
{
    private const double SecondsAllowed = 10;

    private readonly MtaServer server = turn.Server;
    private readonly QueueDatabase database = turn.Database;

    /// <param name="messages">How many at once.</param>
    public async Task RunAsync(int messages, CancellationToken cancellationToken)
    {
        // What is released would be delivered, and be gone for the next measurement.
        await database.ExecuteAsync("SELECT mta.suspend('(released)')", cancellationToken).ConfigureAwait(false);
        var sink = turn.Sink;
        await using var load = PacedLoad.Start(server.Port, 50, 5, 4096);
        foreach (var (action, from) in new[] { ("hold", "mta.deferred WHERE destination LIKE 'd%.example'"), ("release", "mta.hold"), ("delete", "mta.deferred WHERE destination = '(released)'") })
        {
            await MeasureAsync(
                $"{action} of {messages} in SQL",
                sink,
                async () => await database.NumberAsync(
                    $"SELECT count(*) FILTER (WHERE result = 'done') FROM (SELECT mta.{action}(queue_id) AS result FROM (SELECT queue_id FROM {from} LIMIT {messages}) q) r", cancellationToken).ConfigureAwait(false),
                messages,
                cancellationToken).ConfigureAwait(false);
        }

        var ids = await database.TextsAsync($"SELECT queue_id FROM mta.deferred WHERE destination LIKE 'd%.example' LIMIT {messages}", cancellationToken).ConfigureAwait(false);
        var list = string.Join('\n', ids) + "\n";
        foreach (var option in new[] { "-h", "-H", "-d" })
        {
            await MeasureAsync(
                $"postsuper {option} - with {messages} ids",
                sink,
                async () => Count((await Programs.TryRunAsync(server.CommandPath("postsuper"), ["-c", server.ConfigDirectory, option, "-"], cancellationToken, list).ConfigureAwait(false)).Output),
                messages,
                cancellationToken).ConfigureAwait(false);
        }

        await RequeueAsync(messages, sink, cancellationToken).ConfigureAwait(false);
        await database.ExecuteAsync("SELECT mta.resume('(released)')", cancellationToken).ConfigureAwait(false);
    }

    // What is requeued goes out at once: the first ones while the last ones are still asked for.
    private async Task RequeueAsync(int messages, MailSink sink, CancellationToken cancellationToken)
    {
        await MeasureAsync(
            $"requeue of {messages} in SQL",
            sink,
            async () => await database.NumberAsync(
                $"SELECT count(*) FILTER (WHERE result = 'done') FROM (SELECT mta.requeue(queue_id) AS result FROM (SELECT queue_id FROM mta.deferred WHERE destination LIKE 'd%.example' LIMIT {messages}) q) r", cancellationToken).ConfigureAwait(false),
            messages,
            cancellationToken).ConfigureAwait(false);
        await database.ExecuteAsync("SELECT mta.delete(queue_id) FROM mta.maildrop", cancellationToken).ConfigureAwait(false);
        var ids = await database.TextsAsync($"SELECT queue_id FROM mta.deferred WHERE destination LIKE 'd%.example' LIMIT {messages}", cancellationToken).ConfigureAwait(false);
        await MeasureAsync(
            $"postsuper -r - with {messages} ids",
            sink,
            async () => Count((await Programs.TryRunAsync(
                server.CommandPath("postsuper"), ["-c", server.ConfigDirectory, "-r", "-"], cancellationToken, string.Join('\n', ids) + "\n").ConfigureAwait(false)).Output),
            messages,
            cancellationToken).ConfigureAwait(false);
        await database.ExecuteAsync("SELECT mta.delete(queue_id) FROM mta.maildrop", cancellationToken).ConfigureAwait(false);
    }

    private async Task MeasureAsync(string name, MailSink sink, Func<Task<double>> action, int messages, CancellationToken cancellationToken)
    {
        var before = sink.Messages;
        var start = Stopwatch.GetTimestamp();
        var running = action();
        var (last, lastAt, longest) = (before, start, 0.0);
        while (await Task.WhenAny(running, Task.Delay(50, cancellationToken)).ConfigureAwait(false) != running)
        {
            if (sink.Messages != last)
            {
                (last, lastAt) = (sink.Messages, Stopwatch.GetTimestamp());
            }

            longest = Math.Max(longest, Stopwatch.GetElapsedTime(lastAt).TotalSeconds);
        }

        var done = await running.ConfigureAwait(false);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        verdicts.AtLeast($"{name}: done", done, messages, "msg");
        verdicts.AtMost(name, seconds, SecondsAllowed, "s");
        verdicts.AtMost($"{name}: longest time without a delivery", longest, 2, "s");
        verdicts.AtLeast($"{name}: delivered meanwhile (50 are sent)", (sink.Messages - before) / seconds, 25, "msg/s");
    }

    // "postsuper: Placed on hold: 100000 messages".
    private static double Count(string output)
    {
        var words = output.Trim().Split('\n')[^1].Split(' ');
        return words.Length > 1 && double.TryParse(words[^2], out var count) ? count : throw new BenchmarkException(output);
    }
}
