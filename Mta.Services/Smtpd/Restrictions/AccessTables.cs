using System.Buffers;
using System.Globalization;
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
        var keys = new ChainedKeys<DomainKeys, NetworkKeys>(DomainKeys(context, client.Name), new NetworkKeys(client.IpAddress));
        var found = await tables.FindFirstAsync(keys, cancellationToken).ConfigureAwait(false);
        return Act(context, found, client.Tag, "Client host");
    }

    public static async ValueTask<Verdict> CheckHeloAsync(CheckContext context, TableList tables, CancellationToken cancellationToken) =>
        context.Session.Helo is { } helo
            ? Act(context, await tables.FindFirstAsync(DomainKeys(context, helo), cancellationToken).ConfigureAwait(false), helo, "Helo command")
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
        // user+ext@ and user@ come after the domain.
        var extensions = context.Config.Addresses.Extensions;
        var keys = new ChainedKeys<AddressKeys, LocalPartKeys>(
            new AddressKeys(address, extensions, AddressForms | parents), new LocalPartKeys(address, extensions));
        var found = await tables.FindFirstAsync(keys, cancellationToken).ConfigureAwait(false);
        return Act(context, found, AddressQuoting.ToExternal(subject), @class);
    }

    // smtpd_access_maps may want parents with a dot.
    private static DomainKeys DomainKeys(CheckContext context, string name) => new(name, withDots: !context.Config.AccessMatchesSubdomains);

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
