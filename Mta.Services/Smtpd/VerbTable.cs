using Mta.Core.Smtp;
using Mta.Services.Smtpd.Verbs;

namespace Mta.Services.Smtpd;

[Flags]
internal enum VerbFlags
{
    None = 0,
    /// <summary>Does no work for mail: too many of them between two messages count as errors (smtpd_junk_command_limit).</summary>
    Junk = 1,
    /// <summary>Allowed before STARTTLS where TLS is required.</summary>
    BeforeTls = 2,
    /// <summary>RFC 2920 section 3.1: the last command of a pipelined group; the client has to wait for the reply.</summary>
    LastInGroup = 4,
    /// <summary>Begins the session anew, so that Postfix does not count it as done.</summary>
    Restart = 8,
}

/// <summary>
/// Looks at syntax and sequence. Has no effect but what it leaves in <see cref="SmtpdSession.Parsed"/>; the reply that refuses, or null.
/// </summary>
internal delegate ServerReply? CheckVerb(SmtpdSession session, ReadOnlySpan<byte> arguments);

/// <summary>Acts, and replies.</summary>
internal delegate ValueTask ProceedVerb(SmtpdSession session, CancellationToken cancellationToken);

/// <summary>One SMTP command.</summary>
internal sealed record Verb(string Name, CheckVerb Check, ProceedVerb Proceed, VerbFlags Flags)
{
    public byte[] Bytes { get; } = System.Text.Encoding.ASCII.GetBytes(Name);

    public string LogName { get; } = Name.ToLowerInvariant();

    public bool Is(VerbFlags flag) => (Flags & flag) != 0;
}

/// <summary>All commands. Their order is the order of the disconnect line.</summary>
internal static class VerbTable
{
    public static readonly Verb[] All =
    [
        new("HELO", HeloVerb.CheckHelo, HeloVerb.ProceedHeloAsync, VerbFlags.Junk | VerbFlags.BeforeTls | VerbFlags.LastInGroup),
        new("EHLO", HeloVerb.CheckEhlo, HeloVerb.ProceedEhloAsync, VerbFlags.Junk | VerbFlags.BeforeTls | VerbFlags.LastInGroup),
        new("XCLIENT", XclientVerb.Check, XclientVerb.ProceedAsync, VerbFlags.BeforeTls | VerbFlags.Restart),
        new("XFORWARD", XforwardVerb.Check, XforwardVerb.ProceedAsync, VerbFlags.None),
        new("STARTTLS", StartTlsVerb.Check, StartTlsVerb.ProceedAsync, VerbFlags.BeforeTls),
        new("AUTH", AuthVerb.Check, AuthVerb.ProceedAsync, VerbFlags.None),
        new("MAIL", MailVerb.Check, MailVerb.ProceedAsync, VerbFlags.None),
        new("RCPT", RcptVerb.Check, RcptVerb.ProceedAsync, VerbFlags.None),
        new("DATA", DataVerb.Check, DataVerb.ProceedAsync, VerbFlags.LastInGroup),
        new("BDAT", BdatVerb.Check, BdatVerb.ProceedAsync, VerbFlags.None),
        new("RSET", RsetVerb.Check, RsetVerb.ProceedAsync, VerbFlags.Junk),
        new("NOOP", NoopVerb.Check, NoopVerb.ProceedAsync, VerbFlags.Junk | VerbFlags.BeforeTls | VerbFlags.LastInGroup),
        new("VRFY", VrfyVerb.Check, VrfyVerb.ProceedAsync, VerbFlags.Junk | VerbFlags.LastInGroup),
        new("ETRN", EtrnVerb.Check, EtrnVerb.ProceedAsync, VerbFlags.Junk),
        new("QUIT", QuitVerb.Check, QuitVerb.ProceedAsync, VerbFlags.BeforeTls),
        new("HELP", HelpVerb.Check, HelpVerb.ProceedAsync, VerbFlags.BeforeTls),
    ];

    public static readonly int Count = All.Length;

    /// <summary>The place of a verb; <see cref="Count"/> when there is none such.</summary>
    public static int Find(ReadOnlySpan<byte> verb)
    {
        for (var i = 0; i < All.Length; i++)
        {
            if (All[i].Bytes.Length == verb.Length && CommandLine.Is(verb, All[i].Bytes))
            {
                return i;
            }
        }

        return All.Length;
    }
}
