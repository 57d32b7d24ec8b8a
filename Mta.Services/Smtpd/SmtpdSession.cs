using Mta.Core.Smtp;
using Mta.Services.Clients;
using Mta.Services.Maps;
using Mta.Services.Smtpd.Restrictions;

namespace Mta.Services.Smtpd;

/// <summary>
/// One client's session. It reads commands in place from one buffer and looks them up in <see cref="VerbTable"/>; replies are collected and
/// leave when the client has nothing more to say. Whatever bytes come, they get a reply or a disconnect.
/// </summary>
internal sealed partial class SmtpdSession : IDisposable
{
    private const int ReceiveBufferSize = (32 * 1024) - 1;
    private const int MostPendingReplies = 16 * 1024;

    private readonly SmtpdEnvironment environment;
    private readonly ReplyBuffer replies = new();
    private readonly CommandCounts counts = new();
    private bool hangUp;
    private bool failed;
    private bool illegalPipelining;
    private bool sawBareLf;
    private bool skippingLine;
    private int junkCommands;
    private bool beyondReply;
    private string? endReason;
    private EsmtpOptions unknownAuthorization;

    public SmtpdSession(SmtpdEnvironment environment, SmtpdConfig config, ClientStream stream, ClientInfo client, string tag)
    {
        this.environment = environment;
        Config = config;
        Stream = stream;
        Client = client;
        Tag = tag;
        Offered = config.Keywords.Possible;
        Check = new CheckContext(this);

        // A command line that is allowed has room in any case.
        Input = new ReceiveBuffer(Math.Max(ReceiveBufferSize, config.LineLengthLimit + 2));
    }

    public SmtpdConfig Config { get; }

    public ClientStream Stream { get; }

    /// <summary>Who the client is, or who it said with XCLIENT that it speaks for.</summary>
    public ClientInfo Client { get; set; }

    /// <summary>The log's name of the service.</summary>
    public string Tag { get; }

    /// <summary>On standard input: the user's own mail, which no restriction concerns.</summary>
    public bool StandAlone { get; init; }

    /// <summary>The client is in $smtpd_forbid_bare_newline_exclusions.</summary>
    public bool BareNewlineExcluded { get; private set; }

    public ReceiveBuffer Input { get; }

    public MailTransaction Mail { get; } = new();

    public CheckContext Check { get; }

    public MailLog Log => environment.Log;

    public SmtpdEnvironment Environment => environment;

    public ReplyBuffer Replies => replies;

    /// <summary>What the last check left for its other half.</summary>
    public ParsedCommand Parsed;

    /// <summary>The name given with HELO or EHLO; null before.</summary>
    public string? Helo { get; set; }

    /// <summary>The client said EHLO.</summary>
    public bool IsEsmtp { get; set; }

    public EsmtpOptions Offered { get; set; }

    public bool IllegalPipelining => illegalPipelining;

    /// <summary>The command (or what follows one) under way, for the log.</summary>
    public string Where { get; set; } = "CONNECT";

    /// <summary>The reply with which the client was refused at CONNECT; every command but QUIT is refused then.</summary>
    public ServerReply? AccessDenied { get; set; }

    /// <summary>The user that XCLIENT named; null for none.</summary>
    public string? Login { get; set; }

    /// <summary>What only some clients may use: XCLIENT and XFORWARD.</summary>
    public EsmtpOptions Authorized { get; private set; }

    /// <summary>The message's headers are in local context.</summary>
    public bool LocalContext { get; set; }

    public int Errors { get; private set; }

    /// <summary>The queue id, or NOQUEUE before the first accepted recipient.</summary>
    public string QueueTag => Mail.Message?.IdText ?? "NOQUEUE";

    public string Protocol => IsEsmtp ? "ESMTP" : "SMTP";

    /// <summary>
    /// Adds a reply. 4xx and 5xx make the command an error; after 421 and 521 the connection ends (RFC 5321 section 3.8).
    /// </summary>
    public void Reply(ServerReply reply)
    {
        if (Config.SoftBounce && reply.Code >= 500)
        {
            reply = reply.Soften();
        }

        failed |= reply.IsFailure;
        hangUp |= reply.Code is 421 or 521;
        replies.Add(reply);
    }

    /// <summary>Adds a reply that does not make the command an error.</summary>
    public void ReplyWithoutError(ServerReply reply)
    {
        var before = failed;
        Reply(reply);
        failed = before;
    }

    /// <summary>Writes into the history that content was refused.</summary>
    /// <param name="isWarning">The log has a warning of it, not a line with <c>reject:</c>.</param>
    public void NoteRefusedContent(ServerReply reply, bool isWarning) => environment.Rejects?.Add(
        QueueTag, Where, Client.Name, Client.Address, Helo, Mail.Sender, Mail.Recipient, Config.SoftBounce ? reply.Soften() : reply, isWarning);

    /// <summary>The connection ends after this command, when the replies are sent.</summary>
    public void HangUp() => hangUp = true;

    /// <summary>The peer is gone, or was too slow, in the middle of something.</summary>
    public void EndOfInput()
    {
        hangUp = true;
        failed = true;
        endReason ??= Stream.TimedOut ? "timeout" : "lost connection";
    }

    /// <summary>Neither plaintext nor TLS any more: nothing can be said to the client.</summary>
    public void EndOfHandshake()
    {
        beyondReply = true;
        EndOfInput();
    }

    /// <summary>A message went into the queue: earlier errors are forgiven.</summary>
    public void ForgiveErrors()
    {
        Errors = 0;
        junkCommands = 0;
    }

    /// <summary>True when a table that failed leaves open whether the client may use XCLIENT or XFORWARD.</summary>
    public bool IsUnknown(EsmtpOptions option) => (unknownAuthorization & option) != 0;

    /// <summary>A table that failed leaves open what the client may do: the session ends.</summary>
    public void EndForLocalData(string warning)
    {
        Log.Warning(Tag, $"{warning}");
        Log.Info(Tag, $"{QueueTag}: reject: {Where} from {Client.Tag}: {Config.LocalDataError.Text}");
        Reply(Config.LocalDataError);
    }

    /// <summary>A bare LF was seen: noted for the disconnect line.</summary>
    public void NoteBareLf() => sawBareLf = true;

    /// <summary>Sends the replies, then receives more input; false when the client is gone or too slow.</summary>
    public async ValueTask<bool> ReceiveAsync(CancellationToken cancellationToken)
    {
        if (!await SendRepliesAsync(cancellationToken).ConfigureAwait(false))
        {
            return false;
        }

        Stream.SetDeadline(Config.Timeout);
        var count = await Stream.ReceiveAsync(Input.Room(), cancellationToken).ConfigureAwait(false);
        Input.Received(count);
        return count > 0;
    }

    public async ValueTask<bool> SendRepliesAsync(CancellationToken cancellationToken)
    {
        if (replies.IsEmpty)
        {
            return true;
        }

        Stream.SetDeadline(Config.Timeout);
        var sent = await Stream.SendAsync(replies.Bytes, cancellationToken).ConfigureAwait(false);
        replies.Clear();
        return sent;
    }

    public async Task RunAsync(CancellationToken stop)
    {
        Log.Info(Tag, $"connect from {Client.Tag}");
        try
        {
            if (await GreetAsync(stop).ConfigureAwait(false))
            {
                await ConverseAsync(stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            replies.Add(Config.ShuttingDown);
        }

        if (Stream.TimedOut && endReason == "timeout")
        {
            replies.Add(Config.TimeoutExceeded);
        }

        if (!beyondReply)
        {
            await SendRepliesAsync(CancellationToken.None).ConfigureAwait(false);
            await Stream.EndAsync().ConfigureAwait(false);
        }

        LogEnd();
        await Mail.ResetAsync().ConfigureAwait(false);
    }

    /// <summary>Instead of a session: the client has too many connections.</summary>
    public async ValueTask RefuseConnectionAsync(int count, string service, CancellationToken stop)
    {
        Log.Info(Tag, $"connect from {Client.Tag}");
        Log.Warning(Tag, $"Connection concurrency limit exceeded: {count} from {Client.Tag} for service {service}");
        replies.Add(new ServerReply($"421 4.7.0 {Config.Hostname} Error: too many connections from {Client.Tag}"));
        await SendRepliesAsync(stop).ConfigureAwait(false);
        LogEnd();
    }

    public void Dispose()
    {
        Stream.Dispose();
        Input.Dispose();
    }

    private async ValueTask<bool> GreetAsync(CancellationToken stop)
    {
        var config = Config;
        BareNewlineExcluded = config.BareNewline == BareNewlinePolicy.No
            || (await config.BareNewlineExclusions.MatchAsync(Client.Name, Client.IpAddress, stop).ConfigureAwait(false)).IsFound;
        if (config.Tls.IsWrapper && !StandAlone && !await Verbs.StartTlsVerb.HandshakeAsync(this, stop).ConfigureAwait(false))
        {
            EndOfHandshake();
            return false;
        }

        if (!StandAlone && Stream.Tls is null && Stream.HasPendingInput)
        {
            await ReceiveAsync(stop).ConfigureAwait(false);
            ReportPipelining("CONNECT");
            if (config.ForbidUnauthPipelining)
            {
                replies.Add(ProtocolReplies.SynchronizationError);
                return false;
            }
        }

        Authorized = await AuthorizeAsync(config.XforwardHosts, EsmtpOptions.Xforward, stop).ConfigureAwait(false);
        return await WelcomeAsync(stop).ConfigureAwait(false);
    }

    /// <summary>The first reply to the client as it is known now: at the connection, and after XCLIENT. False when it is the last one.</summary>
    internal async ValueTask<bool> WelcomeAsync(CancellationToken stop)
    {
        if (environment.IsDrained())
        {
            replies.Add(Config.Drained);
            return false;
        }

        unknownAuthorization &= ~EsmtpOptions.Xclient;
        Authorized = (Authorized & ~EsmtpOptions.Xclient)
            | await AuthorizeAsync(Config.XclientHosts, EsmtpOptions.Xclient, stop).ConfigureAwait(false);
        if (!Config.DelayReject && !StandAlone && await Check.ClientAsync(stop).ConfigureAwait(false) is { } refusal)
        {
            AccessDenied = refusal;
            Reply(refusal);
            failed = false;
            return true;
        }

        replies.Add(Config.Banner);
        return true;
    }

    private async ValueTask<EsmtpOptions> AuthorizeAsync(ListMatcher clients, EsmtpOptions option, CancellationToken cancellationToken)
    {
        if (clients.IsEmpty || StandAlone)
        {
            return EsmtpOptions.None;
        }

        var found = await clients.MatchAsync(Client.Name, Client.IpAddress, cancellationToken).ConfigureAwait(false);
        if (found.IsFailed)
        {
            Log.LookupFailure(Tag, found);
            unknownAuthorization |= option;
        }

        return found.IsFound ? option : EsmtpOptions.None;
    }

    private void LogEnd()
    {
        if (endReason is not null)
        {
            if (Where is "DATA" or "BDAT" && Mail.Message is not null)
            {
                Log.Info(Tag, $"{QueueTag}: {endReason} after {Where} ({Mail.Size} bytes) from {Client.Tag}");
            }
            else
            {
                Log.Info(Tag, $"{QueueTag}: {endReason} after {Where} from {Client.Tag}");
            }
        }

        var notes = sawBareLf && Config.BareNewline == BareNewlinePolicy.Note ? " notes=bare_lf" : "";
        Log.Info(Tag, $"disconnect from {Client.Tag}{counts.Describe()}{notes}");
    }
}
