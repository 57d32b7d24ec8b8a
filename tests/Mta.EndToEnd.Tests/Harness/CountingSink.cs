using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>A copy of a message for one recipient.</summary>
/// <param name="At">When its last byte had come: nobody has been told so at that moment.</param>
internal sealed record SinkCopy(string Subject, string Recipient, DateTime At);

/// <summary>An SMTP server of the test's own that counts: connections, sessions at once, messages and when each began and ended.</summary>
internal sealed class CountingSink : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentQueue<(string Subject, DateTime From, DateTime Until)> messages = new();
    private readonly ConcurrentQueue<SinkCopy> copies = new();
    private readonly TimeSpan perMessage;
    private int sessions;
    private int mostSessions;
    private int connections;

    /// <param name="perMessage">How long the answer to a final dot takes.</param>
    public CountingSink(TimeSpan perMessage)
    {
        this.perMessage = perMessage;
        listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>False: it answers every connection with 421 and closes it.</summary>
    public bool Serves { get; set; } = true;

    public int Connections => Volatile.Read(ref connections);

    /// <summary>Sessions that are open.</summary>
    public int Sessions => Volatile.Read(ref sessions);

    /// <summary>The most sessions there were at once.</summary>
    public int MostSessions => Volatile.Read(ref mostSessions);

    /// <summary>Messages in the order of their ends, from MAIL to the answer to the final dot.</summary>
    public IReadOnlyList<(string Subject, DateTime From, DateTime Until)> Messages => [.. messages];

    /// <summary>All that came, also where the client was gone before it could hear of it.</summary>
    public IReadOnlyList<SinkCopy> Copies => [.. copies];

    /// <summary>The most transactions there were at once.</summary>
    public int MostTransactions
    {
        get
        {
            var all = Messages;
            return all.Count == 0 ? 0 : all.Max(m => all.Count(o => o.From <= m.From && m.From < o.Until));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        listener.Dispose();
        stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await listener.AcceptTcpClientAsync(stopping.Token));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        Interlocked.Increment(ref connections);
        var now = Interlocked.Increment(ref sessions);
        for (var most = mostSessions; now > most && Interlocked.CompareExchange(ref mostSessions, now, most) != most; most = mostSessions)
        {
        }

        try
        {
            using (client)
            {
                await TalkAsync(client.GetStream(), stopping.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // Cut off.
        }
        finally
        {
            Interlocked.Decrement(ref sessions);
        }
    }

    private async Task TalkAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(stream, Encoding.Latin1);
        await SayAsync(Serves ? "220 sink.test ESMTP" : "421 4.3.2 not now");
        var from = DateTime.UtcNow;
        var recipients = new List<string>();
        while (Serves && await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            switch (line.Length >= 4 ? line[..4].ToUpperInvariant() : "")
            {
                case "QUIT":
                    await SayAsync("221 2.0.0 bye");
                    return;
                case "MAIL":
                    from = DateTime.UtcNow;
                    recipients.Clear();
                    await SayAsync("250 2.1.0 Ok");
                    break;
                case "RCPT":
                    recipients.Add(line[(line.IndexOf('<', StringComparison.Ordinal) + 1)..line.IndexOf('>', StringComparison.Ordinal)]);
                    await SayAsync("250 2.1.5 Ok");
                    break;
                case "DATA":
                    await SayAsync("354 go on");
                    var subject = "";
                    for (string? text; (text = await reader.ReadLineAsync(cancellationToken)) != ".";)
                    {
                        if (text is null)
                        {
                            // No final dot: nobody has sent a message.
                            return;
                        }

                        subject = text.StartsWith("Subject: ", StringComparison.Ordinal) ? text[9..] : subject;
                    }

                    var arrived = DateTime.UtcNow;
                    recipients.ForEach(r => copies.Enqueue(new SinkCopy(subject, r, arrived)));
                    await Task.Delay(perMessage, cancellationToken);
                    messages.Enqueue((subject, from, DateTime.UtcNow));
                    await SayAsync("250 2.0.0 Ok");
                    break;
                default:
                    await SayAsync("250 2.0.0 Ok");
                    break;
            }
        }

        Task SayAsync(string reply) => stream.WriteAsync(Encoding.ASCII.GetBytes(reply + "\r\n"), cancellationToken).AsTask();
    }
}
