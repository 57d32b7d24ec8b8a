using Mta.Core.Config;
using Mta.Services.Maps;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>One place in a restriction list.</summary>
/// <param name="WarnOnly">After warn_if_reject: a refusal is logged and the list goes on.</param>
internal sealed record Restriction(RestrictionDefinition Definition, RestrictionArgument Argument, bool WarnOnly)
{
    /// <summary>The word after a restriction that ends its list always; null when there is none.</summary>
    public string? Ignored { get; init; }
}

/// <summary>The smtpd_*_restrictions of a snapshot, compiled.</summary>
internal sealed class RestrictionLists
{
    // Any of these among the relay or recipient restrictions keeps the server from being an open relay.
    private static readonly string[] RelayGuards =
        ["reject_unauth_destination", "defer_unauth_destination", "reject", "defer", "defer_if_permit", "check_relay_domains"];

    private readonly RestrictionCompiler compiler;
    private int relayDomainsWarned;

    /// <exception cref="SmtpdConfigException">A list names what is not there, or lets everybody relay.</exception>
    public RestrictionLists(Settings settings, TableRegistry tables)
    {
        compiler = new RestrictionCompiler(settings, word => new TableList([tables.Open(word)]));
        compiler.CheckClasses();
        Client = compiler.Compile(Parameters.SmtpdClientRestrictions);
        Helo = compiler.Compile(Parameters.SmtpdHeloRestrictions);
        Sender = compiler.Compile(Parameters.SmtpdSenderRestrictions);
        Relay = compiler.Compile(Parameters.SmtpdRelayRestrictions);
        Recipient = compiler.Compile(Parameters.SmtpdRecipientRestrictions);
        Etrn = compiler.Compile(Parameters.SmtpdEtrnRestrictions);
        Data = compiler.Compile(Parameters.SmtpdDataRestrictions);
        EndOfData = compiler.Compile(Parameters.SmtpdEndOfDataRestrictions);
        RelayFirst = settings.Get(Parameters.SmtpdRelayBeforeRecipientRestrictions);
        if (compiler.Problems is [var problem, ..])
        {
            throw new SmtpdConfigException(problem);
        }

        if (!Guards(Relay, []) && !Guards(Recipient, []))
        {
            throw new SmtpdConfigException(
                $"in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one working instance of: "
                + $"{string.Join(", ", RelayGuards[..^1])} or {RelayGuards[^1]}");
        }
    }

    public Restriction[] Client { get; }

    public Restriction[] Helo { get; }

    public Restriction[] Sender { get; }

    public Restriction[] Relay { get; }

    public Restriction[] Recipient { get; }

    public Restriction[] Etrn { get; }

    public Restriction[] Data { get; }

    public Restriction[] EndOfData { get; }

    /// <summary>smtpd_relay_before_recipient_restrictions.</summary>
    public bool RelayFirst { get; }

    /// <summary>The list that an access table's answer is; what is wrong with it is said when it is asked.</summary>
    /// <param name="class">What it is about, for a warning.</param>
    /// <param name="tableRestriction">The restriction that a table without one stands for, in a class that the list names; null for none.</param>
    public Restriction[] Compile(string text, string @class, string? tableRestriction) => compiler.CompileAnswer(text, @class, tableRestriction);

    /// <summary>True the first time: check_relay_domains is out of date.</summary>
    public bool WarnsOfRelayDomains() => Interlocked.Exchange(ref relayDomainsWarned, 1) == 0;

    // What comes after "permit" never works.
    private static bool Guards(Restriction[] list, HashSet<RestrictionClass> seen)
    {
        foreach (var restriction in list)
        {
            if (restriction.Definition.Name == "permit" && !restriction.WarnOnly)
            {
                return false;
            }

            if (!restriction.WarnOnly
                && (Array.IndexOf(RelayGuards, restriction.Definition.Name) >= 0
                    || (restriction.Argument.Class is { } named && seen.Add(named) && Guards(named.List, seen))))
            {
                return true;
            }
        }

        return false;
    }
}
