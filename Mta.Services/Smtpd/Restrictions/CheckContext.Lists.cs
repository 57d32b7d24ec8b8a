using Mta.Core.Addresses;
using Mta.Core.Smtp;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>Asks the restrictions of a list in turn and keeps what they say for later; writes the log of it.</summary>
internal sealed partial class CheckContext
{
    /// <summary>Lists within lists.</summary>
    private const int MostNested = 100;

    private int depth;

    /// <summary>warn_if_reject stands before what is asked, or before a class that it is in.</summary>
    private bool warnOnly;

    /// <summary>The first reason to refuse for now what would be permitted; without a reply for none.</summary>
    private Verdict deferIfPermit;

    /// <summary>The first reason to refuse for now what would be refused for ever; without a reply for none.</summary>
    private Verdict deferIfReject;

    /// <summary>An access table's answer may not have more restrictions.</summary>
    public bool IsNestedTooDeep => depth > MostNested;

    /// <summary>A class of restrictions names itself. The limit of tables, which Postfix has too, is the first one to be met where both are in the circle.</summary>
    public bool IsNestedEndlessly => depth > 2 * MostNested;

    /// <summary>smtpd_log_access_permit_actions names something.</summary>
    public bool LogsPermits => !Config.LoggedPermits.IsEmpty;

    /// <summary>The restriction that a table without one stands for in the list under way; null for none.</summary>
    public string? TableRestriction { get; private set; }

    /// <summary>A table said DISCARD: there is nothing more to ask about the message.</summary>
    private bool IsDiscarded => session.Mail.Rules.Discard;

    /// <summary>Asks the restrictions of a class, or of an access table's answer, until one permits or refuses.</summary>
    public async ValueTask<Verdict> EvaluateAsync(Restriction[] list, string subject, string @class, CancellationToken cancellationToken)
    {
        var (outerSubject, outerClass) = (Subject, Class);
        Enter(subject, @class);
        var verdict = await EvaluateAsync(list, cancellationToken).ConfigureAwait(false);
        Enter(outerSubject, outerClass);
        return verdict;
    }

    /// <summary>The same about what is asked about now.</summary>
    public async ValueTask<Verdict> EvaluateAsync(Restriction[] list, CancellationToken cancellationToken)
    {
        var outerWarnOnly = warnOnly;
        var verdict = Verdict.Dunno;
        depth++;
        foreach (var restriction in list)
        {
            if (IsDiscarded)
            {
                break;
            }

            warnOnly = outerWarnOnly || restriction.WarnOnly;
            verdict = Weigh(await restriction.Definition.Function(this, restriction.Argument, cancellationToken).ConfigureAwait(false), restriction);
            if (verdict.Kind == VerdictKind.Ok)
            {
                await ReportPermitAsync(restriction, cancellationToken).ConfigureAwait(false);
            }

            // With both deferrals the end is the same whatever the others say.
            if (verdict.Kind != VerdictKind.Dunno || (deferIfPermit.Reply is not null && deferIfReject.Reply is not null))
            {
                break;
            }
        }

        depth--;
        warnOnly = outerWarnOnly;
        return verdict;
    }

    /// <summary>A line about the request in the log: <c>QUEUEID: what: COMMAND from client: text; from=...</c></summary>
    public void Report(string what, string text)
    {
        var sender = Sender is null ? "" : $" from=<{AddressQuoting.ToExternal(Sender)}>";
        var recipient = Recipient is null ? "" : $" to=<{AddressQuoting.ToExternal(Recipient)}>";
        var helo = session.Helo is null ? "" : $" helo=<{session.Helo}>";
        session.Log.Info(session.Tag, $"{session.QueueTag}: {what}: {session.Where} from {session.Client.Tag}: {text};{sender}{recipient} proto={session.Protocol}{helo}");
    }

    /// <summary>smtpd_log_access_permit_actions: a permit is logged when it is named there, and counts.</summary>
    /// <param name="what">For which request, and from where.</param>
    public async ValueTask ReportPermitAsync(string action, string what, CancellationToken cancellationToken)
    {
        if (deferIfPermit.Reply is null && (await Config.LoggedPermits.MatchAsync(action, cancellationToken).ConfigureAwait(false)).IsFound)
        {
            Report("permit", $"action={action} for {what}");
        }
    }

    private ValueTask ReportPermitAsync(Restriction restriction, CancellationToken cancellationToken)
    {
        // Access tables and classes have reported theirs.
        var action = restriction.Definition.Name;
        if (!LogsPermits || restriction.Argument.Class is not null || !action.StartsWith("permit", StringComparison.Ordinal))
        {
            return default;
        }

        // The space at the end is Postfix's.
        return ReportPermitAsync(
            action,
            action switch
            {
                "permit" => $"{Class}={Subject} ",
                "permit_auth_destination" or "permit_mx_backup" => $"Recipient address={Recipient} ",
                "permit_naked_ip_address" => $"Helo command={session.Helo} ",
                _ => $"Client host={session.Client.Tag} ",
            },
            cancellationToken);
    }

    private void Enter(string subject, string @class)
    {
        Subject = subject;
        Class = @class;
    }

    private void BeginList()
    {
        depth = 0;
        warnOnly = false;
        deferIfReject = default;
    }

    private ValueTask<ServerReply?> WalkAsync(Restriction[] list, string subject, string @class, CancellationToken cancellationToken)
    {
        BeginList();
        return WalkOnAsync(list, subject, @class, cancellationToken);
    }

    private async ValueTask<ServerReply?> WalkOnAsync(Restriction[] list, string subject, string @class, CancellationToken cancellationToken)
    {
        Enter(subject, @class);
        TableRestriction = RestrictionCompiler.TableRestriction(@class);
        return ReplyTo(await EvaluateAsync(list, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>What becomes of an answer where it was given: refusals go to the log, deferrals are remembered.</summary>
    private Verdict Weigh(Verdict verdict, Restriction restriction)
    {
        switch (verdict.Kind)
        {
            case VerdictKind.Dunno:
                return verdict;
            case VerdictKind.Refuse when verdict.IsReported:
                return verdict;
            case VerdictKind.Refuse when !warnOnly || verdict.IsFault:
                verdict = new Verdict(VerdictKind.Refuse, Refused(verdict)) { IsReported = true };
                break;
            case VerdictKind.Refuse or VerdictKind.DeferIfPermit when warnOnly:
                Report("reject_warning", Sayable(verdict).Text);
                return Verdict.Dunno;
            case VerdictKind.DeferIfPermit:
                deferIfPermit = First(deferIfPermit, verdict);
                return Verdict.Dunno;
            case VerdictKind.DeferIfReject:
                deferIfReject = First(deferIfReject, verdict);
                return Verdict.Dunno;
        }

        if (restriction.Ignored is { } ignored)
        {
            session.Log.Warning(session.Tag, $"restriction `{ignored}' after `{restriction.Definition.Name}' is ignored");
        }

        return verdict;
    }

    /// <summary>The reply that refuses, in the log by now; null when there is none.</summary>
    private ServerReply? ReplyTo(Verdict verdict) =>
        verdict.Kind != VerdictKind.Refuse ? null : verdict.IsReported ? verdict.Reply : Refused(verdict);

    /// <summary>What was to be refused for now if it was permitted; it was.</summary>
    private ServerReply? Deferral() => deferIfPermit.Reply is null ? null : Refused(deferIfPermit);

    private static Verdict First(Verdict earlier, Verdict later) => earlier.Reply is null ? later : earlier;

    /// <summary>As it is sent: with soft_bounce it is never for ever.</summary>
    private ServerReply Sayable(Verdict verdict)
    {
        if (verdict.Unusable is { } text)
        {
            session.Log.Warning(session.Tag, $"SMTP reply code configuration error: {text}");
        }

        return Config.SoftBounce ? verdict.Reply!.Soften() : verdict.Reply!;
    }

    private ServerReply Refused(ServerReply reply) => Refused(Verdict.Fault(reply));

    private ServerReply Refused(Verdict verdict)
    {
        // A temporary error may have kept us from permitting: it is the one to report.
        if (verdict.Reply!.Code >= 500 && deferIfReject.Reply is not null)
        {
            verdict = deferIfReject;
            deferIfReject = default;
        }

        var reply = Sayable(verdict);
        Report("reject", reply.Text);
        session.Environment.Rejects?.Add(
            session.QueueTag, session.Where, session.Client.Name, session.Client.Address, session.Helo, Sender, Recipient, reply);
        return reply;
    }
}
