using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>An SMTP session by hand: lines out, replies in.</summary>
internal sealed class SmtpDialogue : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TcpClient client;
    private readonly Stream stream;
    private readonly StreamReader reader;

    private SmtpDialogue(TcpClient client)
    {
        this.client = client;
        stream = client.GetStream();
        reader = new StreamReader(stream, Encoding.Latin1);
    }

    public string Greeting { get; private set; } = "";

    /// <summary>Connects and takes the greeting.</summary>
    public static Task<SmtpDialogue> ConnectAsync(int port, CancellationToken cancellationToken) => ConnectAsync("127.0.0.1", port, cancellationToken);

    /// <summary>The same to another address of this machine.</summary>
    public static async Task<SmtpDialogue> ConnectAsync(string address, int port, CancellationToken cancellationToken)
    {
        var client = new TcpClient(AddressFamily.InterNetwork);
        await client.ConnectAsync(address, port, cancellationToken);
        var dialogue = new SmtpDialogue(client);
        dialogue.Greeting = await dialogue.ExpectAsync("220 ", cancellationToken);
        return dialogue;
    }

    /// <summary>The same, whatever the greeting is.</summary>
    public static async Task<SmtpDialogue> OpenAsync(string address, int port, CancellationToken cancellationToken)
    {
        var client = new TcpClient(AddressFamily.InterNetwork);
        await client.ConnectAsync(address, port, cancellationToken);
        var dialogue = new SmtpDialogue(client);
        dialogue.Greeting = await dialogue.ReplyAsync(cancellationToken);
        return dialogue;
    }

    /// <summary>Connects to 127.0.0.1 from an address of this machine.</summary>
    public static Task<SmtpDialogue> ConnectFromAsync(string local, int port, CancellationToken cancellationToken) =>
        ConnectFromAsync(local, "127.0.0.1", port, cancellationToken);

    /// <summary>The same to another address of this machine.</summary>
    public static async Task<SmtpDialogue> ConnectFromAsync(string local, string address, int port, CancellationToken cancellationToken)
    {
        var client = new TcpClient(new IPEndPoint(IPAddress.Parse(local), 0));
        await client.ConnectAsync(address, port, cancellationToken);
        var dialogue = new SmtpDialogue(client);
        dialogue.Greeting = await dialogue.ExpectAsync("220 ", cancellationToken);
        return dialogue;
    }

    /// <summary>Sends a line and gives the whole reply, its lines separated by LF.</summary>
    public async Task<string> SayAsync(string line, CancellationToken cancellationToken)
    {
        await SendAsync(Encoding.Latin1.GetBytes(line + "\r\n"), cancellationToken);
        return await ReplyAsync(cancellationToken);
    }

    /// <summary>Sends bytes as they are.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => await stream.WriteAsync(bytes, cancellationToken);

    /// <summary>The next reply; empty when the server closed the connection.</summary>
    public async Task<string> ReplyAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        var reply = new StringBuilder();
        while (await reader.ReadLineAsync(limit.Token) is { } line)
        {
            reply.Append(reply.Length > 0 ? "\n" : "").Append(line);
            if (line.Length < 4 || line[3] != '-')
            {
                break;
            }
        }

        return reply.ToString();
    }

    /// <summary>Sends a line whose reply must begin with <paramref name="code"/>.</summary>
    public async Task<string> ExpectAsync(string line, string code, CancellationToken cancellationToken) =>
        Checked(await SayAsync(line, cancellationToken), line, code);

    public async Task<string> ExpectAsync(string code, CancellationToken cancellationToken) => Checked(await ReplyAsync(cancellationToken), "", code);

    /// <summary>One message from EHLO to the reply after the final dot, which is given. Lines of <paramref name="message"/> end by LF.</summary>
    public async Task<string> SendMailAsync(string sender, IEnumerable<string> recipients, string message, CancellationToken cancellationToken)
    {
        await ExpectAsync("EHLO client.test", "250", cancellationToken);
        await ExpectAsync($"MAIL FROM:<{sender}>", "250 ", cancellationToken);
        foreach (var recipient in recipients)
        {
            await ExpectAsync($"RCPT TO:<{recipient}>", "250 ", cancellationToken);
        }

        await ExpectAsync("DATA", "354 ", cancellationToken);
        var lines = message.Split('\n').Select(l => l.StartsWith('.') ? "." + l : l);
        return await SayAsync(string.Join("\r\n", lines) + (message.EndsWith('\n') ? "." : "\r\n."), cancellationToken);
    }

    public ValueTask DisposeAsync()
    {
        reader.Dispose();
        client.Dispose();
        return default;
    }

    private static string Checked(string reply, string line, string code) =>
        reply.StartsWith(code, StringComparison.Ordinal) ? reply : throw new InvalidOperationException($"{line}: {(reply.Length == 0 ? "connection closed" : reply)}");
}
