using System.Buffers;
using System.Globalization;
using System.Net;
using Mta.Core.Addresses;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Core.Smtp;
using Mta.Services.Clients;
using Mta.Services.Maps;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>check_*_access: the keys of access(5), and the actions OK, DUNNO, REJECT, DEFER, 4xx and 5xx.</summary>
internal static class AccessTables
{
    private static readonly SearchValues<char> CodeCharacters = SearchValues.Create("0123456789.");

    private const AddressKeyForms AddressForms = AddressKeyForms.Full | AddressKeyForms.WithoutExtension | AddressKeyForms.Domain;

    public static async ValueTask<Verdict> CheckClientAsync(CheckContext context, TableList tables, CancellationToken cancellationToken)
    {
        var client = context.Session.Client;
        var found = await FindDomainAsync(context, tables, client.Name, cancellationToken).ConfigureAwait(false);
        if (found.Outcome == LookupOutcome.NotFound)
        {
            found = await FindAddressAsync(tables, client.IpAddress, cancellationToken).ConfigureAwait(false);
        }

        return Act(context, found, client.Tag, "Client host");
    }

    public static async ValueTask<Verdict> CheckHeloAsync(CheckContext context, TableList tables, CancellationToken cancellationToken) =>
        context.Session.Helo is { } helo
            ? Act(context, await FindDomainAsync(context, tables, helo, cancellationToken).ConfigureAwait(false), helo, "Helo command")
            : Verdict.Dunno;

    public static ValueTask<Verdict> CheckSenderAsync(CheckContext context, TableList tables, CancellationToken cancellationToken)
    {
        if (context.Sender is not { } sender)
        {
            return new(Verdict.Dunno);
        }

        return sender.Length == 0
            ? CheckNullSenderAsync(context, tables, cancellationToken)
            : CheckMailAsync(context, tables, sender, sender, "Sender address", cancellationToken);
    }

    public static ValueTask<Verdict> CheckRecipientAsync(CheckContext context, TableList tables, CancellationToken cancellationToken) =>
        context.Recipient is { } recipient
            ? CheckMailAsync(
                context, tables, context.Resolution is { Outcome: ResolveOutcome.Ok, Recipient: var complete } ? complete : recipient, recipient, "Recipient address", cancellationToken)
            : new(Verdict.Dunno);

    private static async ValueTask<Verdict> CheckNullSenderAsync(
        CheckContext context, TableList tables, CancellationToken cancellationToken)
    {
        var key = context.Settings.Get(Parameters.SmtpdNullAccessLookupKey);
        return Act(context, await tables.FindAsync(key, cancellationToken).ConfigureAwait(false), "", "Sender address");
    }

    private static async ValueTask<Verdict> CheckMailAsync(
        CheckContext context, TableList tables, string address, string subject, string @class, CancellationToken cancellationToken)
    {
        var parents = context.Config.AccessMatchesSubdomains ? AddressKeyForms.ParentDomains : AddressKeyForms.DotParentDomains;
        var match = await tables.FindMailAddressAsync(address, AddressForms | parents, context.Config.Addresses, cancellationToken).ConfigureAwait(false);
        var found = match.Result.Outcome == LookupOutcome.NotFound
            ? await FindLocalPartAsync(tables, address, context.Config.Addresses.Extensions, cancellationToken).ConfigureAwait(false)
            : match.Result;
        return Act(context, found, AddressQuoting.ToExternal(subject), @class);
    }

    // user+ext@ and user@ come after the domain.
    private static async ValueTask<LookupResult> FindLocalPartAsync(TableList tables, string address, ExtensionRules extensions, CancellationToken cancellationToken)
    {
        var at = address.LastIndexOf('@');
        var found = at > 0 ? await tables.FindPartialAsync(address[..(at + 1)], cancellationToken).ConfigureAwait(false) : LookupResult.NotFound;
        return found.Outcome == LookupOutcome.NotFound && at > 0 && extensions.IndexOfDelimiter(address.AsSpan(0, at)) is > 0 and var delimiter
            ? await tables.FindPartialAsync($"{address.AsSpan(0, delimiter)}@", cancellationToken).ConfigureAwait(false)
            : found;
    }

    // mail.example.com, example.com, com; or .example.com where smtpd_access_maps wants it so.
    private static async ValueTask<LookupResult> FindDomainAsync(
        CheckContext context, TableList tables, string name, CancellationToken cancellationToken)
    {
        var found = await tables.FindAsync(name, cancellationToken).ConfigureAwait(false);
        var plain = context.Config.AccessMatchesSubdomains;
        for (var dot = name.IndexOf('.', StringComparison.Ordinal);
            found.Outcome == LookupOutcome.NotFound && dot >= 0 && dot < name.Length - 1 && name[0] != '[';
            dot = name.IndexOf('.', dot + 1))
        {
            found = await tables.FindPartialAsync(name[(plain ? dot + 1 : dot)..], cancellationToken).ConfigureAwait(false);
        }

        return found;
    }

    // 192.0.2.1, 192.0.2, 192.0, 192; an IPv6 address the same way, by its colons.
    private static async ValueTask<LookupResult> FindAddressAsync(TableList tables, IPAddress address, CancellationToken cancellationToken)
    {
        var key = address.ToString();
        var found = await tables.FindAsync(key, cancellationToken).ConfigureAwait(false);
        while (found.Outcome == LookupOutcome.NotFound && key.AsSpan().LastIndexOfAny('.', ':') is > 0 and var cut)
        {
            key = key[..cut].TrimEnd(':');
            if (key.Length == 0)
            {
                break;
            }

            found = await tables.FindPartialAsync(key, cancellationToken).ConfigureAwait(false);
        }

        return found;
    }

    private static Verdict Act(CheckContext context, LookupResult found, string subject, string @class)
    {
        if (found.Outcome == LookupOutcome.NotFound)
        {
            return Verdict.Dunno;
        }

        if (found.IsFailed)
        {
            return Verdict.Refuse(new ServerReply($"451 4.3.5 <{subject}>: {@class} rejected: Server configuration error"));
        }

        var value = found.Value.Trim();
        var space = value.AsSpan().IndexOfAny(' ', '\t');
        var action = space < 0 ? value : value[..space];
        var text = space < 0 ? "Access denied" : value[(space + 1)..].Trim();
        if (action.Equals("OK", StringComparison.OrdinalIgnoreCase))
        {
            return Verdict.Ok;
        }

        if (action.Equals("DUNNO", StringComparison.OrdinalIgnoreCase))
        {
            return Verdict.Dunno;
        }

        if (!action.AsSpan().ContainsAnyExceptInRange('0', '9'))
        {
            // Three digits refuse; other numbers (the times and sizes of tables made for other uses) permit.
            return action.Length == 3 && action[0] is '4' or '5'
                ? Refuse(int.Parse(action, CultureInfo.InvariantCulture), subject, @class, text)
                : Verdict.Ok;
        }

        return action.Equals("REJECT", StringComparison.OrdinalIgnoreCase)
                ? Refuse(context.Settings.Get(Parameters.AccessMapRejectCode), subject, @class, text)
            : action.Equals("DEFER", StringComparison.OrdinalIgnoreCase)
                ? Refuse(context.Settings.Get(Parameters.AccessMapDeferCode), subject, @class, text)
            : Unknown(context, subject, action);
    }

    private static Verdict Unknown(CheckContext context, string subject, string action)
    {
        var session = context.Session;
        session.Log.Warning(
            session.Tag, $"access table entry for <{subject}> has action \"{action}\", which is not implemented in this version");
        return Verdict.Refuse(ProtocolReplies.ConfigurationProblem);
    }

    // The text may bring an enhanced status code of its own (RFC 3463).
    private static Verdict Refuse(int code, string subject, string @class, string text)
    {
        var detail = "7.1";
        if (text.Length > 5 && text[0] is '4' or '5' && text[1] == '.' && text.IndexOf(' ', StringComparison.Ordinal) is > 4 and var space
            && !text.AsSpan(2, space - 2).ContainsAnyExcept(CodeCharacters))
        {
            detail = text[2..space];
            text = text[(space + 1)..].TrimStart();
        }

        return Verdict.Refuse(code, detail, $"<{subject}>: {@class} rejected: {text}");
    }
}
