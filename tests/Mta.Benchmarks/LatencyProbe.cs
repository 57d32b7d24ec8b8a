using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mta.Benchmarks;

/// <summary>Seconds from the end of data to the 250, and to the end of data at the destination.</summary>
internal readonly record struct Latency(double Accepted, double Arrived);

/// <summary>One message at a time through an otherwise idle server, by a client and a destination of our own, both in this process.</summary>
internal static class LatencyProbe
{
    private static readonly byte[] EndOfData = "\r\n.\r\n"u8.ToArray();

    public static async Task<IReadOnlyList<Latency>> MeasureAsync(MailServer server, int messages, int size, CancellationToken cancellationToken)
    {
        using var sink = new ArrivalSink(server.SinkPort);
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, server.Port, cancellationToken).ConfigureAwait(false);
        var stream = client.GetStream();
        var reader = new ReplyReader(stream);
        await reader.ExpectAsync("220", cancellationToken).ConfigureAwait(false);
        await CommandAsync("EHLO bench.example.com\r\n", "250").ConfigureAwait(false);
        var content = Encoding.ASCII.GetBytes("Subject: latency\r\n\r\n" + string.Concat(Enumerable.Repeat(new string('x', 76) + "\r\n", size / 78)) + "end");
        var results = new List<Latency>(messages);
        for (var i = 0; i < messages; i++)
        {
            await CommandAsync("MAIL FROM:<a@example.com>\r\n", "250").ConfigureAwait(false);
            await CommandAsync("RCPT TO:<b@example.org>\r\n", "250").ConfigureAwait(false);
            await CommandAsync("DATA\r\n", "354").ConfigureAwait(false);
            await stream.WriteAsync(content, cancellationToken).ConfigureAwait(false);
            var arrival = sink.NextArrivalAsync();
            var start = Stopwatch.GetTimestamp();
            await stream.WriteAsync(EndOfData, cancellationToken).ConfigureAwait(false);
            await reader.ExpectAsync("250", cancellationToken).ConfigureAwait(false);
            var accepted = Stopwatch.GetElapsedTime(start);
            var arrived = Stopwatch.GetElapsedTime(start, await arrival.WaitAsync(TimeSpan.FromSeconds(60), cancellationToken).ConfigureAwait(false));
            results.Add(new Latency(accepted.TotalSeconds, arrived.TotalSeconds));
        }

        await CommandAsync("QUIT\r\n", "221").ConfigureAwait(false);
        return results;

        async Task CommandAsync(string command, string expected)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(command), cancellationToken).ConfigureAwait(false);
            await reader.ExpectAsync(expected, cancellationToken).ConfigureAwait(false);
        }
    }

    private sealed class ReplyReader(NetworkStream stream)
    {
        private readonly byte[] buffer = new byte[8192];

        // A client that sends one command at a time gets whole replies: the last line is the one with a space after its code.
        public async Task ExpectAsync(string code, CancellationToken cancellationToken)
        {
            var text = "";
            do
            {
                var read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
                text += read > 0 ? Encoding.ASCII.GetString(buffer, 0, read) : throw new BenchmarkException($"the server closed the connection after: {text}");
            }
            while (!text.EndsWith('\n') || text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries)[^1] is not [_, _, _, ' ', ..]);

            if (!text.StartsWith(code, StringComparison.Ordinal))
            {
                throw new BenchmarkException($"the server answered {text.Trim()} instead of {code}");
            }
        }
    }
}
