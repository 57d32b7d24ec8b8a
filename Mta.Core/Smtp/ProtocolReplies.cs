namespace Mta.Core.Smtp;

/// <summary>The server's replies whose text never changes, as Postfix words them.</summary>
public static class ProtocolReplies
{
    public static readonly ServerReply Ok = new("250 2.0.0 Ok");
    public static readonly ServerReply SenderOk = new("250 2.1.0 Ok");
    public static readonly ServerReply RecipientOk = new("250 2.1.5 Ok");
    public static readonly ServerReply StartMail = new("354 End data with <CR><LF>.<CR><LF>");
    public static readonly ServerReply Bye = new("221 2.0.0 Bye");
    public static readonly ServerReply Help = new(
        "214 2.0.0 Commands: AUTH BDAT DATA EHLO ETRN HELO HELP MAIL NOOP QUIT RCPT RSET STARTTLS VRFY XCLIENT XFORWARD");

    public static readonly ServerReply HeloSyntax = new("501 Syntax: HELO hostname");
    public static readonly ServerReply EhloSyntax = new("501 Syntax: EHLO hostname");
    public static readonly ServerReply MailSyntax = new("501 5.5.4 Syntax: MAIL FROM:<address>");
    public static readonly ServerReply RcptSyntax = new("501 5.5.4 Syntax: RCPT TO:<address>");
    public static readonly ServerReply DataSyntax = new("501 5.5.4 Syntax: DATA");
    public static readonly ServerReply RsetSyntax = new("501 5.5.4 Syntax: RSET");
    public static readonly ServerReply VrfySyntax = new("501 5.5.4 Syntax: VRFY address");
    public static readonly ServerReply VrfyUtf8Syntax = new("501 5.5.4 Syntax: VRFY address [SMTPUTF8]");
    public static readonly ServerReply StartTlsSyntax = new("501 5.5.4 Syntax: STARTTLS");
    public static readonly ServerReply EtrnSyntax = new("500 Syntax: ETRN domain");
    public static readonly ServerReply EtrnParameterSyntax = new("501 Error: invalid parameter syntax");
    public static readonly ServerReply BdatSyntax = new("521 5.5.4 Syntax: BDAT count [LAST]");

    public static readonly ServerReply NotRecognized = new("500 5.5.2 Error: command not recognized");
    public static readonly ServerReply BadSyntax = new("500 5.5.2 Error: bad syntax");
    public static readonly ServerReply BadUtf8 = new("500 5.5.2 Error: bad UTF-8 syntax");
    public static readonly ServerReply NotImplemented = new("502 5.5.1 Error: command not implemented");
    public static readonly ServerReply ChunkingNotImplemented = new("521 5.5.1 Error: command not implemented");
    public static readonly ServerReply Forbidden = new("221 2.7.0 Error: I can break rules, too. Goodbye.");
    public static readonly ServerReply SynchronizationError = new("554 5.5.0 Error: SMTP protocol synchronization");

    public static readonly ServerReply SendHeloFirst = new("503 5.5.1 Error: send HELO/EHLO first");
    public static readonly ServerReply EtrnSendHeloFirst = new("503 Error: send HELO/EHLO first");
    public static readonly ServerReply EtrnInTransaction = new("503 Error: MAIL transaction in progress");
    public static readonly ServerReply InTransaction = new("503 5.5.1 Error: MAIL transaction in progress");
    public static readonly ServerReply NestedMail = new("503 5.5.1 Error: nested MAIL command");
    public static readonly ServerReply NeedMail = new("503 5.5.1 Error: need MAIL command");
    public static readonly ServerReply NeedRcpt = new("503 5.5.1 Error: need RCPT command");
    public static readonly ServerReply NoValidRecipients = new("554 5.5.1 Error: no valid recipients");
    public static readonly ServerReply MailAfterBdat = new("503 5.5.1 Error: MAIL after BDAT");
    public static readonly ServerReply RcptAfterBdat = new("503 5.5.1 Error: RCPT after BDAT");
    public static readonly ServerReply DataAfterBdat = new("503 5.5.1 Error: DATA after BDAT");
    public static readonly ServerReply NullBdat = new("551 5.7.1 Null BDAT request");
    public static readonly ServerReply ChunkTooBig = new("552 5.3.4 Chunk exceeds message size limit");

    public static readonly ServerReply BadSender = new("501 5.1.7 Bad sender address syntax");
    public static readonly ServerReply BadRecipient = new("501 5.1.3 Bad recipient address syntax");
    public static readonly ServerReply BadSize = new("501 5.5.4 Bad message size syntax");
    public static readonly ServerReply HugeSize = new("552 5.3.4 Message size exceeds file system imposed limit");
    public static readonly ServerReply SizeOverLimit = new("552 5.3.4 Message size exceeds fixed limit");
    public static readonly ServerReply BadRet = new("501 5.5.4 Bad RET parameter syntax");
    public static readonly ServerReply BadEnvid = new("501 5.5.4 Bad ENVID parameter syntax");
    public static readonly ServerReply BadNotify = new("501 5.5.4 Error: Bad NOTIFY parameter syntax");
    public static readonly ServerReply BadOrcpt = new("501 5.5.4 Error: Bad ORCPT parameter syntax");
    public static readonly ServerReply DsnDisabled = new("501 5.7.1 DSN support is disabled");
    public static readonly ServerReply MustDeclareSmtpUtf8 = new("553 5.6.7 Must declare SMTPUTF8 to send unicode address");
    public static readonly ServerReply TooManyRecipients = new("452 4.5.3 Error: too many recipients");

    public static readonly ServerReply VrfyDisabled = new("502 5.5.1 VRFY command is disabled");
    public static readonly ServerReply AuthNotEnabled = new("503 5.5.1 Error: authentication not enabled");
    public static readonly ServerReply InsufficientAuthorization = new("550 5.7.0 Error: insufficient authorization");
    public static readonly ServerReply ReadyToStartTls = new("220 2.0.0 Ready to start TLS");
    public static readonly ServerReply TlsAlreadyActive = new("554 5.5.1 Error: TLS already active");
    public static readonly ServerReply TlsNotAvailable = new("454 4.7.0 TLS not available due to local problem");
    public static readonly ServerReply MustStartTls = new("530 5.7.0 Must issue a STARTTLS command first");

    public static readonly ServerReply QueueWriteError = new("451 4.3.0 Error: queue file write error");
    public static readonly ServerReply MessageTooBig = new("552 5.3.4 Error: message file too big");
    public static readonly ServerReply TooManyHops = new("554 5.4.0 Error: too many hops");
    public static readonly ServerReply ContentRejected = new("550 5.7.1 Error: message content rejected");
    public static readonly ServerReply NoRecipients = new("550 5.1.0 Error: no recipients specified");
    public static readonly ServerReply NoSpace = new("452 4.3.1 Insufficient system storage");
    public static readonly ServerReply NotAccepting = new("451 4.3.0 Error: queue service is temporarily unavailable");
    public static readonly ServerReply ConfigurationProblem = new("451 4.3.5 Server configuration error");
}
