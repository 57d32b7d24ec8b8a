namespace Mta.Services.Smtp;

/// <summary>What the client was about when a conversation broke; the words are those of its log lines.</summary>
internal enum Step : byte
{
    Greeting,
    Ehlo,
    Helo,
    Lhlo,
    StartTls,
    Reset,
    Mail,
    Rcpt,
    Data,
    Body,
    EndOfData,
}

/// <summary>How it broke.</summary>
internal enum Breakage : byte
{
    Lost,
    TimedOut,
    Protocol,
}

/// <summary>The peer is gone, silent or does not speak SMTP. Thrown by <see cref="SmtpSession"/>, caught by the delivery agent.</summary>
internal sealed class PeerException(Breakage breakage, Step step) : Exception
{
    public Step Step => step;

    public string Dsn => breakage == Breakage.Protocol ? "4.5.0" : "4.4.2";

    /// <param name="nameAddress"><c>host[address]</c>.</param>
    public string Describe(string nameAddress) => breakage switch
    {
        Breakage.Lost => $"lost connection with {nameAddress} while {Doing(step)}",
        Breakage.TimedOut => $"conversation with {nameAddress} timed out while {Doing(step)}",
        _ => $"remote protocol error in reply from {nameAddress} while {Doing(step)}",
    };

    private static string Doing(Step step) => step switch
    {
        Step.Greeting => "receiving the initial server greeting",
        Step.Ehlo => "performing the EHLO handshake",
        Step.Helo => "performing the HELO handshake",
        Step.Lhlo => "performing the LHLO handshake",
        Step.StartTls => "receiving the STARTTLS response",
        Step.Reset => "sending RSET probe",
        Step.Mail => "sending MAIL FROM",
        Step.Rcpt => "sending RCPT TO",
        Step.Data => "sending DATA command",
        Step.Body => "sending message body",
        _ => "sending end of data -- message may be sent more than once",
    };
}
