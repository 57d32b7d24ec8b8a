using Mta.Core.Config;
using Mta.Services.Maps;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>One place in a restriction list.</summary>
/// <param name="WarnOnly">After warn_if_reject: a refusal is logged and the list goes on.</param>
internal sealed record Restriction(RestrictionDefinition Definition, TableList Tables, bool WarnOnly);

/// <summary>The smtpd_*_restrictions of a snapshot, compiled.</summary>
internal sealed class RestrictionLists
{
    // Any of these among the relay or recipient restrictions keeps the server from being an open relay.
    private static readonly string[] RelayGuards = ["reject_unauth_destination", "defer_unauth_destination", "reject", "defer"];

    /// <exception cref="SmtpdConfigException">A list names what is not there, or lets everybody relay.</exception>
    public RestrictionLists(Settings settings, TableRegistry tables)
    {
        Client = Compile(settings, Parameters.SmtpdClientRestrictions, "check_client_access", tables);
        Helo = Compile(settings, Parameters.SmtpdHeloRestrictions, "check_helo_access", tables);
        Sender = Compile(settings, Parameters.SmtpdSenderRestrictions, "check_sender_access", tables);
        Relay = Compile(settings, Parameters.SmtpdRelayRestrictions, "check_recipient_access", tables);
        Recipient = Compile(settings, Parameters.SmtpdRecipientRestrictions, "check_recipient_access", tables);
        Data = Compile(settings, Parameters.SmtpdDataRestrictions, "check_recipient_access", tables);
        EndOfData = Compile(settings, Parameters.SmtpdEndOfDataRestrictions, "check_recipient_access", tables);
        RelayFirst = settings.Get(Parameters.SmtpdRelayBeforeRecipientRestrictions);
        if (!Array.Exists(RelayGuards, g => Names(Relay, g) || Names(Recipient, g)))
        {
            throw new SmtpdConfigException(
                "in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one working instance of: "
                + "reject_unauth_destination, defer_unauth_destination, reject, defer, defer_if_permit or check_relay_domains");
        }
    }

    public Restriction[] Client { get; }

    public Restriction[] Helo { get; }

    public Restriction[] Sender { get; }

    public Restriction[] Relay { get; }

    public Restriction[] Recipient { get; }

    public Restriction[] Data { get; }

    public Restriction[] EndOfData { get; }

    /// <summary>smtpd_relay_before_recipient_restrictions.</summary>
    public bool RelayFirst { get; }

    private static bool Names(Restriction[] list, string name) => Array.Exists(list, r => !r.WarnOnly && r.Definition.Name == name);

    private static Restriction[] Compile(Settings settings, Parameter<string> parameter, string tableRestriction, TableRegistry tables)
    {
        var words = Split(settings.Get(parameter));
        var list = new List<Restriction>();
        var warnOnly = false;
        for (var i = 0; i < words.Count; i++)
        {
            var word = words[i];
            if (word.Equals("warn_if_reject", StringComparison.OrdinalIgnoreCase))
            {
                warnOnly = true;
                continue;
            }

            if (IsTable(word))
            {
                list.Add(new Restriction(RestrictionTable.Find(tableRestriction)!, Open(word, tables), warnOnly));
            }
            else
            {
                var definition = RestrictionTable.Find(word)
                    ?? throw new SmtpdConfigException(NotImplemented(parameter.Name, word));
                if (definition.TakesTables && (++i >= words.Count || !IsTable(words[i])))
                {
                    throw new SmtpdConfigException(NeedsTable(parameter.Name, word));
                }

                list.Add(new Restriction(definition, definition.TakesTables ? Open(words[i], tables) : TableList.Empty, warnOnly));
            }

            warnOnly = false;
        }

        return [.. list];
    }

    internal static string NotImplemented(string parameter, string word) => $"{parameter}: restriction \"{word}\" is not implemented in this version";

    internal static string NeedsTable(string parameter, string word) => $"{parameter}: restriction \"{word}\" requires a table (type:name) as its argument";

    internal static bool IsTable(string word) => word.Contains(':', StringComparison.Ordinal);

    private static TableList Open(string word, TableRegistry tables) => new([tables.Open(word)]);

    // Commas and white space divide, except inside braces: inline:{ a=b, c=d }.
    internal static List<string> Split(string text)
    {
        var words = new List<string>();
        var start = -1;
        var depth = 0;
        for (var at = 0; at <= text.Length; at++)
        {
            var c = at < text.Length ? text[at] : ' ';
            depth += c == '{' ? 1 : c == '}' ? -1 : 0;
            var divides = (c == ',' || char.IsWhiteSpace(c)) && (depth <= 0 || at == text.Length);
            if (divides && start >= 0)
            {
                words.Add(text[start..at]);
                start = -1;
            }
            else if (!divides && start < 0)
            {
                start = at;
            }
        }

        return words;
    }
}
