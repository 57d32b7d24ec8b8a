using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mta.Benchmarks;

/// <summary>An SMTP server that throws mail away and notes the moment at which the end of data was read.</summary>
internal sealed class ArrivalSink : IDisposable
{
    private readonly TcpListener listener;
    private readonly CancellationTokenSource stop = new();
    private TaskCompletionSource<long> arrival = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ArrivalSink(int port)
    {
        listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>The time (<see cref="Stopwatch.GetTimestamp"/>) of the next message's end of data.</summary>
    public Task<long> NextArrivalAsync()
    {
        arrival = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        return arrival.Task;
    }

    public void Dispose()
    {
        stop.Cancel();
        listener.Dispose();
        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await listener.AcceptTcpClientAsync(stop.Token).ConfigureAwait(false));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The measurement is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using (client)
            {
                client.NoDelay = true;
                await SessionAsync(client.GetStream(), stop.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // The peer went away, or the measurement is over.
        }
    }

    private async Task SessionAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        await stream.WriteAsync("220 sink ESMTP\r\n"u8.ToArray(), cancellationToken).ConfigureAwait(false);
        var buffer = new byte[65536];
        var pending = "";
        var inData = false;
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            pending += Encoding.Latin1.GetString(buffer, 0, read);
            var replies = new StringBuilder();
            while (true)
            {
                if (inData)
                {
                    var end = pending.IndexOf("\r\n.\r\n", StringComparison.Ordinal);
                    if (end < 0)
                    {
                        break;
                    }

                    arrival.TrySetResult(Stopwatch.GetTimestamp());
                    pending = pending[(end + 5)..];
                    inData = false;
                    replies.Append("250 2.0.0 Ok\r\n");
                    continue;
                }

                var line = pending.IndexOf("\r\n", StringComparison.Ordinal);
                if (line < 0)
                {
                    break;
                }

                var verb = pending[..Math.Min(4, line)].ToUpperInvariant();
                pending = verb == "DATA" ? pending[line..] : pending[(line + 2)..];
                inData = verb == "DATA";
                replies.Append(verb switch
                {
                    "EHLO" => "250-sink\r\n250-PIPELINING\r\n250-SIZE\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n",
                    "DATA" => "354 End data with <CR><LF>.<CR><LF>\r\n",
                    "QUIT" => "221 2.0.0 Bye\r\n",
                    _ => "250 2.0.0 Ok\r\n",
                });
            }

            await stream.WriteAsync(Encoding.ASCII.GetBytes(replies.ToString()), cancellationToken).ConfigureAwait(false);
        }
    }
}
