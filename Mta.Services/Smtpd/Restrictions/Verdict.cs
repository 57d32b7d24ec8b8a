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
}

/// <summary>What one restriction says.</summary>
internal readonly record struct Verdict(VerdictKind Kind, ServerReply? Reply)
{
    public static Verdict Dunno => default;

    public static Verdict Ok => new(VerdictKind.Ok, null);

    public static Verdict Refuse(ServerReply reply) => new(VerdictKind.Refuse, reply);

    /// <summary>A refusal. The enhanced code's class is that of the reply (RFC 3463 section 2).</summary>
    /// <param name="code">400 to 599; another one in the configuration becomes 450 4.7.1, as in Postfix.</param>
    /// <param name="detail">Subject and detail of the enhanced code: <c>7.1</c>.</param>
    public static Verdict Refuse(int code, string detail, string text) =>
        Refuse(new ServerReply(code is < 400 or > 599 ? "450 4.7.1 Service unavailable" : $"{code} {code / 100}.{detail} {text}"));
}
