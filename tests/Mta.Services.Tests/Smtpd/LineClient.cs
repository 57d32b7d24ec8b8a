using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Mta.Services.Tests.Smtpd;

/// <summary>A client that sends lines and reads replies, in plaintext or inside TLS.</summary>
internal sealed class LineClient : IDisposable
{
    private readonly TcpClient tcp;
    private Stream stream;

    private LineClient(TcpClient tcp)
    {
        this.tcp = tcp;
        stream = tcp.GetStream();
    }

    public static async Task<LineClient> ConnectAsync(int port, CancellationToken cancellationToken)
    {
        var tcp = new TcpClient(AddressFamily.InterNetwork);
        await tcp.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
        return new LineClient(tcp);
    }

    public async Task SendAsync(string text, CancellationToken cancellationToken) =>
        await stream.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);

    /// <summary>One reply with all its lines, divided by LF; empty when the server has closed.</summary>
    public async Task<string> ReplyAsync(CancellationToken cancellationToken)
    {
        var reply = new StringBuilder();
        var line = new List<byte>();
        var one = new byte[1];
        while (await stream.ReadAsync(one, cancellationToken) > 0)
        {
            line.Add(one[0]);
            if (one[0] != '\n')
            {
                continue;
            }

            var text = Encoding.UTF8.GetString([.. line]).TrimEnd('\r', '\n');
            line.Clear();
            reply.Append(reply.Length > 0 ? "\n" : "").Append(text);
            if (text.Length < 4 || text[3] != '-')
            {
                return reply.ToString();
            }
        }

        return reply.ToString();
    }

    /// <summary>Sends a line and reads the reply to it.</summary>
    public async Task<string> SayAsync(string line, CancellationToken cancellationToken)
    {
        await SendAsync(line + "\r\n", cancellationToken);
        return await ReplyAsync(cancellationToken);
    }

    /// <summary>Reads whatever comes until the server closes or breaks the connection.</summary>
    public async Task UntilClosedAsync(CancellationToken cancellationToken)
    {
        try
        {
            await stream.CopyToAsync(Stream.Null, cancellationToken);
        }
        catch (IOException)
        {
            // Broken: closed too.
        }
    }

    public async Task StartTlsAsync(CancellationToken cancellationToken)
    {
        var tls = new SslStream(stream, leaveInnerStreamOpen: false);
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "mx.example.test", RemoteCertificateValidationCallback = (_, _, _, _) => true },
            cancellationToken);
        stream = tls;
    }

    public void Dispose()
    {
        stream.Dispose();
        tcp.Dispose();
    }
}
