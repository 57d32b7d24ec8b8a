using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Mta.Core.Smtp;
using Mta.Services.Clients;
using Mta.Services.Net;
using Mta.Services.Scache;

namespace Mta.Services.Smtp;

/// <summary>One connection to a server, from its greeting on: what the server can do, and the way to send commands and read replies.</summary>
internal sealed class SmtpSession : IIdleConnection
{
    private readonly MailLog log;
    private readonly string tag;
    private readonly ReplyParser parser = new();
    private readonly byte[] input = new byte[2048];
    private int inputStart;
    private int inputEnd;

    public SmtpSession(
        SocketConnection connection, HostAddress host, string nexthop, ClientOptions options, MailLog log, string tag, long connectedAt)
    {
        Connection = connection;
        Host = host;
        Nexthop = nexthop;
        Options = options;
        this.log = log;
        this.tag = tag;
        ConnectedAt = connectedAt;
        Body = new BodyWriter(connection);
    }

    public SocketConnection Connection { get; }

    public HostAddress Host { get; }

    /// <summary>The domain or host that the session was opened for, and its certificate verified for.</summary>
    public string Nexthop { get; }

    public ClientOptions Options { get; }

    /// <summary>By <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long ConnectedAt { get; }

    public ReplyFeatures Peer { get; set; }

    /// <summary>The security level of the connection as logged; null when TLS was never wanted.</summary>
    public string? Tls { get; set; }

    /// <summary>Messages tried over this connection, this one included.</summary>
    public int UseCount { get; set; }

    /// <summary>The server may still have a transaction open that came to nothing.</summary>
    public bool NeedsReset { get; set; }

    /// <summary>Nothing more can be said over it.</summary>
    public bool IsDead { get; set; }

    public CommandWriter Commands { get; } = new();

    public BodyWriter Body { get; }

    /// <summary>The code of the reply read last.</summary>
    public int Code => parser.Code;

    bool IIdleConnection.IsQuiet
    {
        get
        {
            try
            {
                return inputStart == inputEnd && !Connection.Socket.Poll(0, SelectMode.SelectRead);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return false;
            }
        }
    }

    public bool Has(PeerFeatures feature) => (Peer.Features & feature) != 0;

    /// <summary>The reply read last, as a value.</summary>
    public Reply ToReply() => parser.ToReply();

    public ReplyFeatures ReadFeatures() => ReplyFeatures.Parse(parser.Lines, Options.DiscardedKeywords);

    /// <summary>The text of the reply read last contains a word.</summary>
    public bool ReplyHas(ReadOnlySpan<byte> word) => parser.Lines.IndexOf(word) >= 0;

    /// <summary>Sends the commands written since the last call.</summary>
    public async ValueTask SendCommandsAsync(TimeSpan limit, Step step, CancellationToken cancellationToken)
    {
        Connection.SetDeadline(limit);
        var sent = await Connection.SendAsync(Commands.Written, cancellationToken).ConfigureAwait(false);
        Commands.Clear();
        if (!sent)
        {
            throw Broken(step);
        }
    }

    /// <summary>Reads one reply and gives its code; <see cref="ToReply"/> gives the rest. A 421 ends the session (RFC 5321 section 3.8).</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReadReplyAsync(TimeSpan limit, Step step, CancellationToken cancellationToken)
    {
        if (inputStart == inputEnd)
        {
            Connection.SetDeadline(limit);
        }

        while (true)
        {
            while (inputStart < inputEnd)
            {
                var progress = parser.Parse(input.AsSpan(inputStart, inputEnd - inputStart), out var consumed);
                inputStart += consumed;
                if (progress == ReplyProgress.Complete)
                {
                    IsDead |= parser.Code == 421;
                    return parser.Code;
                }

                if (progress != ReplyProgress.More)
                {
                    OnGarbage(progress, step);
                }
            }

            inputStart = 0;
            inputEnd = await Connection.ReceiveAsync(input, cancellationToken).ConfigureAwait(false);
            if (inputEnd == 0)
            {
                throw Broken(step);
            }
        }
    }

    /// <summary>Forgets what was received: after a TLS handshake nothing counts that came before (RFC 3207 section 4.2).</summary>
    public void DropInput()
    {
        inputStart = inputEnd = 0;
        parser.Reset();
    }

    public PeerException Broken(Step step)
    {
        IsDead = true;
        return new PeerException(Connection.TimedOut ? Breakage.TimedOut : Breakage.Lost, step);
    }

    /// <summary>Says QUIT, if that can be said, and does not wait for the answer.</summary>
    public void Leave() => _ = LeaveAsync();

    /// <summary>
    /// With command pipelining a line too many would be taken for the reply to a later command, so that mail could be lost; without it
    /// such lines are skipped.
    /// </summary>
    private void OnGarbage(ReplyProgress progress, Step step)
    {
        var reply = parser.ToReply().Text.TrimEnd();
        log.Warning(tag, $"non-{(Options.IsLmtp ? "LMTP" : "SMTP")} response from {Host.NameAddress}: {reply.AsSpan(0, Math.Min(100, reply.Length))}");
        if (progress == ReplyProgress.TooLong || Has(PeerFeatures.Pipelining))
        {
            IsDead = true;
            throw new PeerException(Breakage.Protocol, step);
        }
    }

    private async Task LeaveAsync()
    {
        try
        {
            if (!IsDead)
            {
                Connection.SetDeadline(TimeSpan.FromSeconds(5));
                await Connection.SendAsync("QUIT\r\n"u8.ToArray(), CancellationToken.None).ConfigureAwait(false);
            }
        }
        finally
        {
            Connection.Dispose();
        }
    }
}
