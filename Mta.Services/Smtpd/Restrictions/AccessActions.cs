using Mta.Core.Config;
using Mta.Core.Delivery;
using Mta.Core.Lookup;
using Mta.Services.Maps;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>What an access table is asked about, as replies and log lines call it.</summary>
/// <param name="Name">In angle brackets at the start of a reply.</param>
/// <param name="Class"><c>Client host</c>, <c>Sender address</c> ...</param>
/// <param name="Restriction">The restriction that asks.</param>
internal readonly record struct AccessSubject(string Name, string Class, string Restriction)
{
    /// <summary>What is looked up, whole, for warnings; the name when it is that.</summary>
    public string? Key { get => field ?? Name; init; }
}

/// <summary>The actions of access(5).</summary>
internal static class AccessActions
{
    private const string Denied = "Access denied";
    private const string Unavailable = "Service unavailable";

    /// <summary>What the answer of an access table says about its subject; nothing when there is none.</summary>
    public static ValueTask<Verdict> ActAsync(
        CheckContext context, RestrictionArgument argument, LookupResult found, AccessSubject about, CancellationToken cancellationToken)
    {
        if (found.Outcome == LookupOutcome.NotFound)
        {
            return new(Verdict.Dunno);
        }

        if (found.IsFailed)
        {
            context.Session.Log.LookupFailure(context.Session.Tag, found);
            return new(Verdict.Refuse(451, "3.5", $"<{about.Name}>: {about.Class} rejected: Server configuration error"));
        }

        var action = AccessAction.Parse(found.Value);
        var settings = context.Settings;
        switch (action.Kind)
        {
            case AccessActionKind.Restrictions:
                return ApplyAsync(context, argument, found.Value, about, cancellationToken);
            case AccessActionKind.Ok:
                return PermitAsync(context, argument, found.Value, about, cancellationToken);
            case AccessActionKind.Reject:
                return new(Refusal(context, settings.Get(Parameters.AccessMapRejectCode), action.Reason("5.7.1", Denied), about));
            case AccessActionKind.Defer:
                return new(Refusal(context, settings.Get(Parameters.AccessMapDeferCode), action.Reason("4.7.1", Denied), about));
            case AccessActionKind.Code:
                return new(Refusal(context, action.Code, action.Reason(action.Code < 500 ? "4.7.1" : "5.7.1", Denied), about));
            case AccessActionKind.DeferIfPermit or AccessActionKind.DeferIfReject:
                var kind = action.Kind == AccessActionKind.DeferIfPermit ? VerdictKind.DeferIfPermit : VerdictKind.DeferIfReject;
                var later = Refusal(context, settings.Get(Parameters.AccessMapDeferCode), action.Reason("4.7.1", Unavailable), about);
                return new(later with { Kind = kind });
            case AccessActionKind.Warn:
                context.Report("warn", action.Text);
                return new(Verdict.Dunno);
            case AccessActionKind.Info:
                context.Report("info", action.Text);
                return new(Verdict.Dunno);
            case AccessActionKind.Dunno:
                return new(Verdict.Dunno);
            case AccessActionKind.Discard:
                return ActOnMessage(context, argument, action, about).Kind == VerdictKind.Ok
                    ? PermitAsync(context, argument, found.Value, about, cancellationToken)
                    : new(Verdict.Dunno);
            default:
                return new(ActOnMessage(context, argument, action, about));
        }
    }

    /// <summary>What is done with the message as a whole, when it comes.</summary>
    private static Verdict ActOnMessage(CheckContext context, RestrictionArgument argument, AccessAction action, AccessSubject about)
    {
        var name = action.Kind.ToString().ToUpperInvariant();
        if (WhyUnavailable(context, action.Kind, name) is { } reason)
        {
            Warn(context, $"access table {argument.Text}: {reason}");
            return Verdict.Dunno;
        }

        if (action.Problem is { } problem)
        {
            Warn(context, $"access table {argument.Text} entry \"{about.Key}\" {problem}");
            return Verdict.Dunno;
        }

        var rules = context.Session.Mail.Rules;
        switch (action.Kind)
        {
            case AccessActionKind.Hold when rules.Hold:
                return Verdict.Dunno;
            case AccessActionKind.Hold:
                rules.Hold = true;
                Report(context, about, "hold", action.Text.Length > 0 ? action.Text : "triggers HOLD action");
                return Verdict.Dunno;
            case AccessActionKind.Discard:
                rules.Discard = true;
                Report(context, about, "discard", action.Text.Length > 0 ? action.Text : "triggers DISCARD action");
                return Verdict.Ok;
            case AccessActionKind.Filter:
                rules.Filter = action.Text;
                Report(context, about, "filter", $"triggers FILTER {action.Text}");
                return Verdict.Dunno;
            case AccessActionKind.Redirect:
                rules.Redirect = action.Text;
                Report(context, about, "redirect", $"triggers REDIRECT {action.Text}");
                return Verdict.Dunno;
            case AccessActionKind.Bcc:
                rules.AddBcc(action.Text);
                Report(context, about, "bcc", $"triggers BCC {action.Text}");
                return Verdict.Dunno;
            default:
                rules.Prepend(action.Text);
                return Verdict.Dunno;
        }
    }

    /// <summary>Null when the action can be done here.</summary>
    private static string? WhyUnavailable(CheckContext context, AccessActionKind kind, string name) =>
        context.Session.Where == "ETRN" && kind != AccessActionKind.Prepend ? $"action {name} is unavailable in smtpd_etrn_restrictions"
        : context.Sender is null
            ? $"with smtpd_delay_reject=no, action {name} is always skipped in Client host or Helo command restrictions"
        : kind == AccessActionKind.Prepend && context.Session.Where == "END-OF-MESSAGE" ? "action PREPEND must be used before smtpd_end_of_data_restrictions"
        : null;

    /// <summary>The answer is a list of restrictions, or names a class of them.</summary>
    private static ValueTask<Verdict> ApplyAsync(
        CheckContext context, RestrictionArgument argument, string value, AccessSubject about, CancellationToken cancellationToken)
    {
        if (value.Contains(':', StringComparison.Ordinal))
        {
            Warn(context, $"access table {argument.Text} has entry with lookup table: {value}");
            Warn(context, $"do not specify lookup tables inside SMTPD access maps");
            Warn(context, $"define a restriction class and specify its name instead.");
            return new(Verdict.ConfigurationError);
        }

        if (context.IsNestedTooDeep)
        {
            Warn(context, $"access table {argument.Text} entry {value} causes unreasonable recursion");
            return new(Verdict.ConfigurationError);
        }

        var list = context.Config.Restrictions.Compile(value, about.Class, context.TableRestriction);
        if (list.Length == 0)
        {
            Warn(context, $"access table {argument.Text} entry {value} has empty value");
            return new(Verdict.Ok);
        }

        return context.EvaluateAsync(list, about.Name, about.Class, cancellationToken);
    }

    private static async ValueTask<Verdict> PermitAsync(
        CheckContext context, RestrictionArgument argument, string value, AccessSubject about, CancellationToken cancellationToken)
    {
        if (context.LogsPermits)
        {
            var end = value.AsSpan().IndexOfAny(' ', '\t');
            var name = end < 0 ? value : value[..end];
            await context.ReportPermitAsync(name, $"{about.Class}={about.Name} from {argument.Text}", cancellationToken).ConfigureAwait(false);
        }

        return Verdict.Ok;
    }

    private static Verdict Refusal(CheckContext context, int code, DsnText reason, AccessSubject about) =>
        Verdict.Refuse(
            code, AddressStatus.Fit(context, reason.Dsn!, about.Class), $"<{about.Name}>: {about.Class} rejected: {reason.Text}", reason.Dsn![0]);

    private static void Report(CheckContext context, AccessSubject about, string what, string text) =>
        context.Report(what, $"<{about.Name}>: {about.Class} {text}");

    private static void Warn(CheckContext context, string text) => context.Session.Log.Warning(context.Session.Tag, $"{text}");
}
