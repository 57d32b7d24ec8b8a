using System.Globalization;
using System.Text;
using Mta.Core.Config;
using Mta.Core.Smtp;
using Mta.Services.Maps;
using Mta.Services.Smtpd.Verbs;
using Mta.Services.Tls;

namespace Mta.Services.Smtpd;

/// <summary>Which extensions EHLO announces, and the reply in Postfix's order.</summary>
internal sealed class EhloKeywords
{
    private static readonly (string Keyword, EsmtpOptions Option)[] Names =
    [
        ("PIPELINING", EsmtpOptions.Pipelining),
        ("SIZE", EsmtpOptions.Size),
        ("VRFY", EsmtpOptions.Vrfy),
        ("ETRN", EsmtpOptions.Etrn),
        ("STARTTLS", EsmtpOptions.StartTls),
        ("XCLIENT", EsmtpOptions.Xclient),
        ("XFORWARD", EsmtpOptions.Xforward),
        ("ENHANCEDSTATUSCODES", EsmtpOptions.EnhancedStatusCodes),
        ("8BITMIME", EsmtpOptions.EightBitMime),
        ("DSN", EsmtpOptions.Dsn),
        ("SMTPUTF8", EsmtpOptions.SmtpUtf8),
        ("CHUNKING", EsmtpOptions.Chunking),
        ("AUTH", EsmtpOptions.Auth),
        ("XVERP", EsmtpOptions.Verp),
        ("REQUIRETLS", EsmtpOptions.RequireTls),
    ];

    private readonly string hostname;
    private readonly string size;
    private readonly ServerTls tls;
    private readonly string discard;
    private readonly TableList discardMaps;
    private readonly EsmtpOptions possible;

    public EhloKeywords(Settings settings, TableRegistry tables, string hostname, long messageSizeLimit, ServerTls tls)
    {
        this.hostname = hostname;
        this.tls = tls;
        size = messageSizeLimit > 0 ? string.Create(CultureInfo.InvariantCulture, $"SIZE {messageSizeLimit}") : "SIZE";
        discard = settings.Get(Parameters.SmtpdDiscardEhloKeywords);
        discardMaps = tables.Open(settings, Parameters.SmtpdDiscardEhloKeywordAddressMaps);

        // Not here yet: AUTH, XVERP, REQUIRETLS. XCLIENT and XFORWARD are for some clients only.
        possible = EsmtpOptions.Pipelining | EsmtpOptions.Size | EsmtpOptions.Vrfy | EsmtpOptions.Etrn | EsmtpOptions.StartTls
            | EsmtpOptions.EnhancedStatusCodes | EsmtpOptions.EightBitMime | EsmtpOptions.Dsn | EsmtpOptions.SmtpUtf8
            | EsmtpOptions.Chunking;
        if (settings.Get(Parameters.DisableVrfyCommand))
        {
            possible &= ~EsmtpOptions.Vrfy;
        }

        if (!settings.Get(Parameters.Smtputf8Enable))
        {
            possible &= ~EsmtpOptions.SmtpUtf8;
        }
    }

    /// <summary>What a client that says HELO may use.</summary>
    public EsmtpOptions Possible => possible;

    /// <summary>The options for a client, and the keywords to log as discarded (null when none, or silent); null when a table fails.</summary>
    /// <param name="authorized">What this client may use beside what all may.</param>
    public async ValueTask<(EsmtpOptions Offered, string? Discarded)?> OfferAsync(
        ClientInfo client, EsmtpOptions authorized, bool tlsActive, CancellationToken cancellationToken)
    {
        var offered = (tlsActive || !tls.IsAvailable ? possible & ~EsmtpOptions.StartTls : possible) | authorized;
        var text = discard;
        if (!discardMaps.IsEmpty)
        {
            var found = await discardMaps.FindAsync(client.Address, cancellationToken).ConfigureAwait(false);
            if (found.IsFailed)
            {
                return null;
            }

            text = found.IsFound ? found.Value : text;
        }

        return text.Length == 0 ? (offered, null) : Discard(offered, text);
    }

    /// <summary>The reply to EHLO.</summary>
    public void Reply(ReplyBuffer replies, EsmtpOptions offered)
    {
        var text = new StringBuilder(256);
        var last = "250-" + hostname;
        foreach (var (keyword, option) in Names)
        {
            if (offered.HasFlag(option))
            {
                text.Append(last).Append("\r\n");
                last = "250-" + option switch
                {
                    EsmtpOptions.Size => size,
                    EsmtpOptions.Xclient => XclientVerb.Keyword,
                    EsmtpOptions.Xforward => XforwardVerb.Keyword,
                    _ => keyword,
                };
            }
        }

        text.Append("250 ").Append(last.AsSpan(4)).Append("\r\n");
        replies.Add(Encoding.UTF8.GetBytes(text.ToString()));
    }

    private static (EsmtpOptions Offered, string? Discarded) Discard(EsmtpOptions offered, string text)
    {
        var mask = EsmtpOptions.None;
        var silent = false;
        var log = new StringBuilder();
        foreach (var word in text.Split([' ', ',', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (word.Equals("silent-discard", StringComparison.OrdinalIgnoreCase))
            {
                silent = true;
                continue;
            }

            foreach (var (keyword, option) in Names)
            {
                if (keyword.Equals(word, StringComparison.OrdinalIgnoreCase))
                {
                    mask |= option;
                    log.Append(log.Length > 0 ? " " : "").Append(keyword);
                }
            }
        }

        return (offered & ~mask, silent || log.Length == 0 ? null : log.ToString());
    }
}
