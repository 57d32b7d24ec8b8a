using Mta.Core.Smtp;

namespace Mta.Services.Smtpd.Restrictions;

internal enum VerdictKind : byte
{
    /// <summary>Says nothing; the next restriction is asked.</summary>
    Dunno,
    /// <summary>Permits, and ends this list.</summary>
    Ok,
    /// <summary>Refuses, for now (4xx) or for ever (5xx), and ends all lists.</summary>
    Refuse,
    /// <summary>The next restriction is asked; if in the end the request would be permitted, it gets this reply.</summary>
    DeferIfPermit,
    /// <summary>The next restriction is asked; if one of this list refuses for ever, the request gets this reply instead.</summary>
    DeferIfReject,
}

/// <summary>What one restriction says.</summary>
/// <param name="IsFault">
/// The reply tells of a fault of ours (the configuration, a table of addresses), not of a rule: warn_if_reject does not make a warning of it.
/// </param>
internal readonly record struct Verdict(VerdictKind Kind, ServerReply? Reply, bool IsFault = false)
{
    private static readonly ServerReply Unavailable = new("450 4.7.1 Service unavailable");

    public static Verdict Dunno => default;

    public static Verdict Ok => new(VerdictKind.Ok, null);

    /// <summary>A restriction that makes no sense; its warning says more.</summary>
    public static Verdict ConfigurationError => Fault(ProtocolReplies.ConfigurationProblem);

    /// <summary>The refusal is in the log already, by an inner list.</summary>
    public bool IsReported { get; init; }

    /// <summary>What the configuration asked for and cannot be said, for a warning; null mostly.</summary>
    public string? Unusable { get; init; }

    public static Verdict Refuse(ServerReply reply) => new(VerdictKind.Refuse, reply);

    /// <summary>A refusal. The enhanced code's class is that of the reply (RFC 3463 section 2).</summary>
    /// <param name="code">400 to 599; another one in the configuration becomes 450 4.7.1, as in Postfix.</param>
    /// <param name="detail">Subject and detail of the enhanced code: <c>7.1</c>.</param>
    /// <param name="written">The class of the enhanced code as the configuration has it.</param>
    public static Verdict Refuse(int code, string detail, string text, char written = '5') => Make(VerdictKind.Refuse, code, detail, text, written);

    /// <summary>A refusal that warn_if_reject leaves as it is.</summary>
    public static Verdict Fault(ServerReply reply) => new(VerdictKind.Refuse, reply, IsFault: true);

    public static Verdict DeferIfPermit(int code, string detail, string text) => Make(VerdictKind.DeferIfPermit, code, detail, text, '4');

    public static Verdict DeferIfReject(int code, string detail, string text) => Make(VerdictKind.DeferIfReject, code, detail, text, '4');

    private static Verdict Make(VerdictKind kind, int code, string detail, string text, char written) => code is < 400 or > 599
        ? new Verdict(kind, Unavailable) { Unusable = $"{code} {written}.{detail} {text}" }
        : new Verdict(kind, new ServerReply($"{code} {code / 100}.{detail} {text}"));
}
