using Mta.Core.Config;
using Mta.Services.Maps;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>permit, reject, defer.</summary>
internal static class GenericRestrictions
{
    public static ValueTask<Verdict> Permit(CheckContext context, TableList tables, CancellationToken cancellationToken) => new(Verdict.Ok);

    public static ValueTask<Verdict> Reject(CheckContext context, TableList tables, CancellationToken cancellationToken) =>
        new(Verdict.Refuse(context.Settings.Get(Parameters.RejectCode), "7.1", context.Frame("Access denied")));

    public static ValueTask<Verdict> Defer(CheckContext context, TableList tables, CancellationToken cancellationToken) =>
        new(Verdict.Refuse(context.Settings.Get(Parameters.DeferCode), "3.2", context.Frame("Try again later")));
}
