using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Mta.Benchmarks.Scale;

/// <summary>
/// Sessions that send mail at a steady rate, or as fast as they are answered, with a connection for each message as smtp-source does. One
/// that is late sends at once until it has caught up, so that a pause of the server shows as a pause and not as a lower rate.
/// </summary>
internal sealed class PacedLoad : IAsyncDisposable
{
    private const int Words = 2000;

    private readonly CancellationTokenSource stopping = new();
    private readonly int port;
    private readonly byte[] envelope;
    private readonly byte[] content;
    private readonly Task[] sessions;
    private readonly long start = Stopwatch.GetTimestamp();
    private long accepted;
    private long refused;

    private PacedLoad(int port, double rate, int sessions, int size, string recipient)
    {
        this.port = port;
        envelope = Encoding.ASCII.GetBytes($"MAIL FROM:<sender@example.com>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n");
        content = Encoding.ASCII.GetBytes(
            "From: sender@example.com\r\nTo: somebody@example.org\r\nSubject: measured\r\n\r\n" + Text(size) + "\r\n.\r\n");
        this.sessions = [.. Enumerable.Range(0, sessions).Select(i => Task.Run(() => RunAsync(i, sessions, rate)))];
    }

    /// <summary>Messages that got their 250 so far.</summary>
    public long Accepted => Interlocked.Read(ref accepted);

    /// <summary>Replies other than that, and connections that broke.</summary>
    public long Refused => Interlocked.Read(ref refused);

    /// <param name="rate">Messages a second; infinity for as many as the server takes.</param>
    /// <param name="size">Bytes of the body.</param>
    public static PacedLoad Start(int port, double rate, int sessions, int size, string recipient = "somebody@example.org") =>
        new(port, rate, sessions, size, recipient);

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(sessions).ConfigureAwait(false);
        stopping.Dispose();
    }

    /// <summary>Made-up words in the order of a fixed seed: lz4 halves it, as it does text.</summary>
    internal static string Text(int size)
    {
        // The same for everybody who measures.
#pragma warning disable CA5394
        var random = new Random(1);
        var words = Enumerable.Range(0, Words).Select(_ => new string([.. Enumerable.Range(0, random.Next(2, 9)).Select(_ => (char)random.Next('a', 'z' + 1))])).ToArray();
        var text = new StringBuilder(size + 80);
        for (var line = 0; text.Length < size;)
        {
            var word = words[random.Next(Words)];
            var isFull = line + word.Length > 70;
            text.Append(isFull ? "\r\n" : line > 0 ? " " : "").Append(word);
            line = isFull ? word.Length : line + word.Length + 1;
        }
#pragma warning restore CA5394

        return text.ToString();
    }

    private async Task RunAsync(int session, int count, double rate)
    {
        for (long sent = 0; !stopping.IsCancellationRequested;)
        {
            try
            {
                await PaceAsync(session + (sent * count), rate).ConfigureAwait(false);
                using var client = new TcpClient { NoDelay = true };
                await client.ConnectAsync("127.0.0.1", port, stopping.Token).ConfigureAwait(false);
                await using var stream = client.GetStream();
                var replies = new Replies(stream, stopping.Token);
                await replies.ExpectAsync(1, '2').ConfigureAwait(false);
                await stream.WriteAsync("EHLO bench.example.com\r\n"u8.ToArray(), stopping.Token).ConfigureAwait(false);
                await replies.ExpectAsync(1, '2').ConfigureAwait(false);
                await stream.WriteAsync(envelope, stopping.Token).ConfigureAwait(false);
                await replies.ExpectAsync(3, '3').ConfigureAwait(false);
                await stream.WriteAsync(content, stopping.Token).ConfigureAwait(false);
                await replies.ExpectAsync(1, '2').ConfigureAwait(false);
                sent++;
                Interlocked.Increment(ref accepted);
                await stream.WriteAsync("QUIT\r\n"u8.ToArray(), stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                Interlocked.Increment(ref refused);
                await Task.Yield();
            }
        }
    }

    private async ValueTask PaceAsync(long number, double rate)
    {
        var wait = (number / rate) - Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (wait > 0.001)
        {
            await Task.Delay(TimeSpan.FromSeconds(wait), stopping.Token).ConfigureAwait(false);
        }
    }

    /// <summary>Reads whole replies.</summary>
    private sealed class Replies(NetworkStream stream, CancellationToken cancellationToken)
    {
        private readonly byte[] buffer = new byte[4096];
        private int length;

        /// <summary>Waits for so many replies; the last is to be of this class.</summary>
        public async ValueTask ExpectAsync(int count, char kind)
        {
            var at = 0;
            var first = 0;
            while (true)
            {
                for (; at < length; at++)
                {
                    if (buffer[at] != '\n')
                    {
                        continue;
                    }

                    var isLast = at - first < 4 || buffer[first + 3] != '-';
                    if (isLast && --count == 0)
                    {
                        if (buffer[first] != kind)
                        {
                            throw new IOException(Encoding.ASCII.GetString(buffer, first, at - first));
                        }

                        length = 0;
                        return;
                    }

                    first = at + 1;
                }

                var read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
                if (read == 0)
                {
                    throw new IOException("cut off");
                }

                length += read;
            }
        }
    }
}
