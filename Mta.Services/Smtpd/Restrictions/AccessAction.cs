using System.Globalization;
using Mta.Core.Delivery;
using Mta.Core.Headers;

namespace Mta.Services.Smtpd.Restrictions;

internal enum AccessActionKind : byte
{
    /// <summary>None of the others: a list of restrictions.</summary>
    Restrictions,
    Dunno,
    Ok,
    Reject,
    Defer,
    DeferIfPermit,
    DeferIfReject,
    /// <summary>4NN or 5NN.</summary>
    Code,
    Warn,
    Info,
    Hold,
    Discard,
    Filter,
    Redirect,
    Bcc,
    Prepend,
}

/// <summary>The right-hand side of an access(5) table, taken apart.</summary>
/// <param name="Text">What follows the action's name.</param>
/// <param name="Code">The reply code of <see cref="AccessActionKind.Code"/>.</param>
internal readonly record struct AccessAction(AccessActionKind Kind, string Text, int Code = 0)
{
    /// <summary>Why the action cannot be done, as the log has it; null when it can.</summary>
    public string? Problem => Kind switch
    {
        AccessActionKind.Filter when Text.Length == 0 => "has FILTER entry without value",
        AccessActionKind.Filter when !Text.Contains(':', StringComparison.Ordinal) => "requires transport:destination",
        AccessActionKind.Redirect or AccessActionKind.Bcc when !Text.Contains('@', StringComparison.Ordinal) => "requires user@domain target",
        AccessActionKind.Prepend when !IsHeader(Text) => "requires header: text",
        _ => null,
    };

    public static AccessAction Parse(string value)
    {
        var space = value.AsSpan().IndexOfAny(' ', '\t');
        var name = space < 0 ? value : value.AsSpan(0, space);
        var text = space < 0 ? "" : value[space..].TrimStart();
        if (!value.AsSpan().ContainsAnyExceptInRange('0', '9'))
        {
            // The times and sizes of tables made for other uses permit.
            return new AccessAction(AccessActionKind.Ok, "");
        }

        if (name is ['4' or '5', >= '0' and <= '9', >= '0' and <= '9'] && text.Length > 0)
        {
            return new AccessAction(AccessActionKind.Code, text, int.Parse(name, NumberStyles.None, CultureInfo.InvariantCulture));
        }

        return new AccessAction(KindOf(name), text);
    }

    /// <summary>The text of a refusal, with the status code that it begins with (RFC 3463).</summary>
    /// <param name="dsn">The code where the text has none.</param>
    /// <param name="otherwise">The text where there is none.</param>
    public DsnText Reason(string dsn, string otherwise)
    {
        var reason = DsnText.Parse(Text);
        return new DsnText(reason.Dsn ?? dsn, reason.Text.Length > 0 ? reason.Text : otherwise);
    }

    private static AccessActionKind KindOf(ReadOnlySpan<char> name)
    {
        Span<char> upper = stackalloc char[16];
        return name.ToUpperInvariant(upper) switch
        {
            < 0 => AccessActionKind.Restrictions,
            var length => upper[..length] switch
            {
                "OK" or "RELAY" => AccessActionKind.Ok,
                "DUNNO" => AccessActionKind.Dunno,
                "REJECT" => AccessActionKind.Reject,
                "DEFER" => AccessActionKind.Defer,
                "DEFER_IF_PERMIT" => AccessActionKind.DeferIfPermit,
                "DEFER_IF_REJECT" => AccessActionKind.DeferIfReject,
                "WARN" => AccessActionKind.Warn,
                "INFO" => AccessActionKind.Info,
                "HOLD" => AccessActionKind.Hold,
                "DISCARD" => AccessActionKind.Discard,
                "FILTER" => AccessActionKind.Filter,
                "REDIRECT" => AccessActionKind.Redirect,
                "BCC" => AccessActionKind.Bcc,
                "PREPEND" => AccessActionKind.Prepend,
                _ => AccessActionKind.Restrictions,
            },
        };
    }

    private static bool IsHeader(string text) => HeaderSyntax.NameLength(System.Text.Encoding.UTF8.GetBytes(text), out _) > 0;
}
