using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Mta.Services.Tests.Smtp;

/// <summary>A server whose replies a test writes: by default it takes everything. Runs until it is disposed.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly Socket listener;
    private readonly CancellationTokenSource stop = new();
    private readonly Task running;
    private readonly ConcurrentBag<Task> sessions = [];

    public ScriptedServer(IPAddress? address = null, int port = 0, string? unixPath = null)
    {
        listener = unixPath is null
            ? new Socket((address ?? IPAddress.Loopback).AddressFamily, SocketType.Stream, ProtocolType.Tcp)
            : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(unixPath is null ? new IPEndPoint(address ?? IPAddress.Loopback, port) : new UnixDomainSocketEndPoint(unixPath));
        listener.Listen();
        running = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndPoint!).Port;

    /// <summary>The next hop that leads here.</summary>
    public string Nexthop => $"[127.0.0.1]:{Port}";

    /// <summary>The greeting; <c>drop</c> to close the connection, empty to stay silent.</summary>
    public string Greeting { get; set; } = "220 mx.test ESMTP";

    public IReadOnlyList<string> Extensions { get; set; } = ["PIPELINING", "SIZE 10240000", "8BITMIME", "DSN", "SMTPUTF8"];

    /// <summary>Gives the reply to a command line; null for the usual one, <c>drop</c> to close the connection, empty to stay silent.</summary>
    public Func<string, string?> Reply { get; set; } = _ => null;

    /// <summary>The replies to the end of data; with LMTP one for each recipient.</summary>
    public Func<int, string> Outcome { get; set; } = _ => "250 2.0.0 Ok: queued as TEST";

    public bool IsLmtp { get; set; }

    public SslServerAuthenticationOptions? Tls { get; set; }

    /// <summary>What is said and done after a message: a line before the connection is closed; null to go on.</summary>
    public string? LastWords { get; set; }

    public ConcurrentQueue<string> Commands { get; } = [];

    /// <summary>Contents with CRLF, dots unstuffed.</summary>
    public ConcurrentQueue<string> Messages { get; } = [];

    public int Connections { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Dispose();
        await running;
        await Task.WhenAll(sessions);
        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await listener.AcceptAsync(stop.Token);
                Connections++;
                sessions.Add(ServeAsync(socket));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test has ended.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        await Task.Yield();
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            using var cancel = stop.Token.Register(socket.Dispose);
            await TalkAsync(stream);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
        {
            // The client is gone: that is for the test to see on its side.
        }
        finally
        {
            await stream.DisposeAsync();
        }
    }

    private async Task TalkAsync(Stream stream)
    {
        if (Greeting == "drop")
        {
            return;
        }

        await SendAsync(stream, Greeting);
        var input = new LineInput(stream);
        var accepted = 0;
        while (await input.ReadLineAsync() is { } line)
        {
            Commands.Enqueue(line);
            var verb = line.Split(' ', ':')[0].ToUpperInvariant();
            var reply = Reply(line) ?? Usual(verb);
            if (reply == "drop")
            {
                return;
            }

            await SendAsync(stream, reply);
            switch (verb)
            {
                case "QUIT":
                    return;
                case "RSET" or "MAIL":
                    accepted = 0;
                    break;
                case "STARTTLS" when reply.StartsWith("220", StringComparison.Ordinal) && Tls is not null:
                    var tls = new SslStream(stream);
                    await tls.AuthenticateAsServerAsync(Tls, stop.Token);
                    stream = tls;
                    input = new LineInput(stream);
                    break;
                case "RCPT":
                    accepted += reply.StartsWith("250", StringComparison.Ordinal) ? 1 : 0;
                    break;
                case "DATA" when reply.StartsWith("354", StringComparison.Ordinal):
                    Messages.Enqueue(await input.ReadMessageAsync());
                    for (var i = 0; i < (IsLmtp ? accepted : 1); i++)
                    {
                        await SendAsync(stream, Outcome(i));
                    }

                    if (LastWords is not null)
                    {
                        await SendAsync(stream, LastWords);
                        return;
                    }

                    break;
            }
        }
    }

    private string Usual(string verb) => verb switch
    {
        "EHLO" or "LHLO" => string.Join("\r\n", ((IEnumerable<string>)["mx.test", .. Extensions])
            .Select((text, i) => i == Extensions.Count ? $"250 {text}" : $"250-{text}")),
        "DATA" => "354 End data with <CR><LF>.<CR><LF>",
        "QUIT" => "221 2.0.0 Bye",
        "STARTTLS" => "220 2.0.0 Ready to start TLS",
        "MAIL" => "250 2.1.0 Ok",
        "RCPT" => "250 2.1.5 Ok",
        _ => "250 2.0.0 Ok",
    };

    private static ValueTask SendAsync(Stream stream, string reply) =>
        reply.Length == 0 ? ValueTask.CompletedTask : stream.WriteAsync(Encoding.UTF8.GetBytes(reply + "\r\n"));

    private sealed class LineInput(Stream stream)
    {
        private readonly byte[] buffer = new byte[65536];
        private readonly List<byte> line = [];
        private int start;
        private int end;

        public async Task<string?> ReadLineAsync()
        {
            line.Clear();
            while (true)
            {
                if (start == end)
                {
                    start = 0;
                    end = await stream.ReadAsync(buffer);
                    if (end == 0)
                    {
                        return null;
                    }
                }

                var found = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
                var count = found < 0 ? end - start : found + 1;
                line.AddRange(buffer.AsSpan(start, count));
                start += count;
                if (found >= 0)
                {
                    return Encoding.Latin1.GetString([.. line]).TrimEnd('\n').TrimEnd('\r');
                }
            }
        }

        public async Task<string> ReadMessageAsync()
        {
            var result = new StringBuilder();
            while (await ReadLineAsync() is { } text)
            {
                if (text == ".")
                {
                    return result.ToString();
                }

                result.Append(text.StartsWith('.') ? text[1..] : text).Append("\r\n");
            }

            throw new IOException("the client left in the middle of a message");
        }
    }
}
