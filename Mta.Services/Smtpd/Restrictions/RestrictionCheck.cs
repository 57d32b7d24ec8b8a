using Mta.Core.Config;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>Finds what is wrong with the smtpd_*_restrictions of a snapshot without opening a table; smtpd(8) does not start with it.</summary>
internal static class RestrictionCheck
{
    private static readonly Parameter<string>[] Lists =
    [
        Parameters.SmtpdClientRestrictions, Parameters.SmtpdHeloRestrictions, Parameters.SmtpdSenderRestrictions, Parameters.SmtpdRelayRestrictions,
        Parameters.SmtpdRecipientRestrictions, Parameters.SmtpdDataRestrictions, Parameters.SmtpdEndOfDataRestrictions,
    ];

    /// <summary>One text a problem. <paramref name="isOfInterest"/> chooses among the parameters by their names.</summary>
    public static IEnumerable<string> Find(Settings settings, Func<string, bool> isOfInterest)
    {
        foreach (var parameter in Lists)
        {
            if (isOfInterest(parameter.Name))
            {
                foreach (var problem in Find(parameter.Name, RestrictionLists.Split(settings.Get(parameter))))
                {
                    yield return problem;
                }
            }
        }
    }

    private static IEnumerable<string> Find(string parameter, List<string> words)
    {
        for (var i = 0; i < words.Count; i++)
        {
            var word = words[i];
            if (RestrictionLists.IsTable(word) || word.Equals("warn_if_reject", StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            if (RestrictionTable.Find(word) is not { } definition)
            {
                yield return RestrictionLists.NotImplemented(parameter, word);
            }
            else if (definition.TakesTables && (++i >= words.Count || !RestrictionLists.IsTable(words[i])))
            {
                yield return RestrictionLists.NeedsTable(parameter, word);
            }
        }
    }
}
