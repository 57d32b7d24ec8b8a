using System.Globalization;
using Mta.Core.Config;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>Restrictions that ask nothing: permit, reject, defer and the like.</summary>
internal static class GenericRestrictions
{
    public static ValueTask<Verdict> Permit(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) => new(Verdict.Ok);

    public static ValueTask<Verdict> Reject(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        new(Verdict.Refuse(context.Settings.Get(Parameters.RejectCode), "7.1", context.Frame("Access denied")));

    public static ValueTask<Verdict> Defer(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        new(Verdict.Refuse(context.Settings.Get(Parameters.DeferCode), "3.2", context.Frame("Try again later"), '4'));

    public static ValueTask<Verdict> DeferIfPermit(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        new(Verdict.DeferIfPermit(450, "7.0", context.Frame("defer_if_permit requested")));

    public static ValueTask<Verdict> DeferIfReject(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken) =>
        new(Verdict.DeferIfReject(450, "7.0", context.Frame("defer_if_reject requested")));

    /// <summary>Waits, for so many seconds; meanwhile the client has no time limit.</summary>
    public static async ValueTask<Verdict> SleepAsync(CheckContext context, RestrictionArgument argument, CancellationToken cancellationToken)
    {
        var session = context.Session;
        session.Stream.ClearDeadline();
        var seconds = int.TryParse(argument.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : int.MaxValue / 1000;
        await Task.Delay(TimeSpan.FromSeconds(Math.Min(seconds, int.MaxValue / 1000)), session.Environment.Time, cancellationToken).ConfigureAwait(false);
        return Verdict.Dunno;
    }
}
