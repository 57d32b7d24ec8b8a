using System.Globalization;
using System.Text;
using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Delivery;
using Mta.Services.Dns;
using Mta.Services.Maps;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>The refusal of what a list in the DNS names: default_rbl_reply, or the answer of rbl_reply_maps for the list, with its <c>$names</c>.</summary>
internal sealed class BlockListReply
{
    /// <summary>Characters of a reason that are kept; replies end sooner.</summary>
    private const int LongestReason = 500;

    private readonly CheckContext context;
    private readonly Listing listing;
    private readonly string reason;
    private bool hasUnknownName;

    private BlockListReply(CheckContext context, Listing listing, string reason)
    {
        this.context = context;
        this.listing = listing;
        this.reason = reason;
    }

    /// <summary>A listing that was found.</summary>
    /// <param name="Argument">The restriction's argument, which rbl_reply_maps is asked for.</param>
    /// <param name="Query">The name that the list has.</param>
    /// <param name="What">What is listed.</param>
    internal readonly record struct Listing(string Argument, string Domain, string Query, string What, string Class);

    public static async ValueTask<Verdict> MakeAsync(CheckContext context, Listing listing, CancellationToken cancellationToken)
    {
        var rules = context.Config.DnsRules;
        var session = context.Session;
        var found = await rules.ReplyMaps.FindAsync(listing.Argument, cancellationToken).ConfigureAwait(false);
        if (found.IsFailed)
        {
            session.Log.LookupFailure(session.Tag, found);
            return Verdict.ConfigurationError;
        }

        var texts = await context.Dns.FindTextsAsync(listing.Query, cancellationToken).ConfigureAwait(false);
        var reply = new BlockListReply(context, listing, Reason(texts));
        if (found.IsFound)
        {
            if (reply.TryExpand(found.Value, out var text))
            {
                return reply.Refuse(text);
            }

            session.Log.Warning(session.Tag, $"rbl_reject_reply: bad rbl reply template for domain {listing.Argument}: {found.Value}");
        }

        if (reply.TryExpand(rules.DefaultReply, out var standard))
        {
            return reply.Refuse(standard);
        }

        session.Log.Warning(session.Tag, $"rbl_reject_reply: bad default rbl reply template: {rules.DefaultReply}");
        return Verdict.ConfigurationError;
    }

    /// <summary>The texts of the list, as far as they print.</summary>
    private static string Reason(DnsAnswer<string> texts)
    {
        if (texts.Status != DnsStatus.Found)
        {
            return "";
        }

        var reason = new StringBuilder();
        foreach (var text in texts.Records)
        {
            reason.Append(reason.Length > 0 ? " / " : "");
            foreach (var c in text)
            {
                reason.Append(c is >= ' ' and <= '~' ? c : ' ');
            }
        }

        reason.Length = Math.Min(reason.Length, LongestReason);
        return reason.ToString();
    }

    private bool TryExpand(string template, out string text)
    {
        hasUnknownName = false;
        var expansion = Expander.Expand(template, Find, recursive: false);
        text = expansion.Value;
        if (expansion.Error is { } error)
        {
            context.Session.Log.Warning(context.Session.Tag, $"{error}");
        }

        return expansion.Error is null && !hasUnknownName;
    }

    private Verdict Refuse(string text)
    {
        if (text is not [('4' or '5'), >= '0' and <= '9', >= '0' and <= '9', ' ', ..])
        {
            context.Session.Log.Warning(context.Session.Tag, $"rbl response code configuration error: {text}");
            return Verdict.Refuse(450, "7.1", "Service unavailable");
        }

        var code = int.Parse(text.AsSpan(0, 3), CultureInfo.InvariantCulture);
        var (status, rest) = DsnText.Parse(text[4..].TrimStart());
        var detail = AddressStatus.Fit(context, status ?? "4.7.1", listing.Class);
        return Verdict.Refuse(code, detail, rest.Length > 0 ? rest : "Service unavailable");
    }

    private string? Find(string name)
    {
        var session = context.Session;
        var value = name switch
        {
            "rbl_code" => context.Settings.Get(Parameters.MapsRblRejectCode).ToString("000", CultureInfo.InvariantCulture),
            "rbl_domain" => listing.Domain,
            "rbl_reason" or "rbl_txt" => reason,
            "rbl_what" => listing.What,
            "rbl_class" => listing.Class,
            "client" => session.Client.Tag,
            "client_address" => session.Client.Address,
            "client_name" => session.Client.Name,
            "client_port" => session.Client.Port.ToString(CultureInfo.InvariantCulture),
            "reverse_client_name" => session.Client.ReverseName ?? "unknown",
            "helo_name" => session.Helo ?? "",
            "sender" => Whole(context.Sender),
            "sender_name" => LocalPart(context.Sender),
            "sender_domain" => Domain(context.Sender),
            "recipient" => Whole(context.Recipient),
            "recipient_name" => LocalPart(context.Recipient),
            "recipient_domain" => Domain(context.Recipient),
            _ => null,
        };
        if (value is not null)
        {
            return context.Config.DnsRules.Filter.Apply(value);
        }

        hasUnknownName = true;
        session.Log.Warning(session.Tag, $"unknown macro name \"{name}\" in expansion request");
        return null;
    }

    private static string Whole(string? address) => address is "" ? "<>" : address ?? "";

    private static string LocalPart(string? address) => address is "" ? "<>" : MailAddress.LocalPart(address).ToString();

    private static string Domain(string? address) => MailAddress.Domain(address).ToString();
}
