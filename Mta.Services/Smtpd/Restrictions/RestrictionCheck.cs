using Mta.Core.Config;
using Mta.Services.Maps;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>Finds what is wrong with the smtpd_*_restrictions of a snapshot without opening a table; smtpd(8) does not start with it.</summary>
internal static class RestrictionCheck
{
    private static readonly Parameter<string>[] Lists =
    [
        Parameters.SmtpdClientRestrictions, Parameters.SmtpdHeloRestrictions, Parameters.SmtpdSenderRestrictions, Parameters.SmtpdRelayRestrictions,
        Parameters.SmtpdRecipientRestrictions, Parameters.SmtpdEtrnRestrictions, Parameters.SmtpdDataRestrictions, Parameters.SmtpdEndOfDataRestrictions,
    ];

    /// <summary>One text a problem. <paramref name="isOfInterest"/> chooses among the parameters by their names.</summary>
    public static IEnumerable<string> Find(Settings settings, Func<string, bool> isOfInterest)
    {
        var compiler = new RestrictionCompiler(settings, static _ => TableList.Empty);
        if (isOfInterest(Parameters.SmtpdRestrictionClasses.Name))
        {
            compiler.CheckClasses();
        }

        foreach (var parameter in Lists.Where(p => isOfInterest(p.Name)))
        {
            compiler.Compile(parameter);
        }

        return compiler.Problems.Distinct();
    }
}
