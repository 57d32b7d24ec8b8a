using Mta.Core.Config;
using Mta.Services.Configuration;

namespace Mta.Tools.Import;

/// <summary>Makes our master.cf of Postfix's: the same services, but for those that have no counterpart here.</summary>
internal sealed class MasterCfImport(PostfixConfiguration configuration, MainCfImport main, ImportReport report)
{
    /// <summary>Programs that stay: ours, and the queue manager under its other names.</summary>
    private static readonly string[] Served = [.. ServiceNotices.Present, "nqmgr", "oqmgr"];

    /// <summary>Services that are comments now.</summary>
    public HashSet<string> Missing { get; } = new(StringComparer.Ordinal);

    /// <summary>True when a service asks for a chroot jail.</summary>
    public bool IsChrooted { get; private set; }

    public string Make()
    {
        if (configuration.MasterText.Length == 0)
        {
            return "";
        }

        foreach (var problem in configuration.MasterCf.Problems)
        {
            report.Problem(problem.ToString());
        }

        var smtpd = configuration.MasterCf.Entries.LastOrDefault(e => e.Fields is [_, "pass", ..] && e.Fields[7] == "smtpd");
        return MasterCfEditor.Apply(configuration.MasterText, entry => Edit(entry, smtpd), Format, []);
    }

    private static string Format(IReadOnlyList<string> fields) =>
        string.Join(' ', fields.Take(8).Select((f, i) => f.PadRight(i switch { 0 => 9, 1 => 5, 2 or 3 or 4 => 7, 5 or 6 => 7, _ => 0 }))).TrimEnd()
        + string.Concat(fields.Skip(8).Select(f => (f is ['-', ..] ? "\n  " : " ") + f)) + "\n";

    private MasterCfEdit Edit(MasterCfEntry entry, MasterCfEntry? smtpd)
    {
        var fields = entry.Fields;
        var name = $"{configuration.MasterCf.File}, line {entry.FirstLine}: service {fields[0]}/{fields[1]}";
        if (fields[7] == "postscreen" && fields[1] == "inet" && smtpd is not null)
        {
            report.Differs($"{name}: postscreen is not available; smtpd serves it at once");
            return new MasterCfEdit([.. fields.Take(6), smtpd.Fields[6], .. smtpd.Fields.Skip(7)]);
        }

        if (!Served.Contains(fields[7]))
        {
            report.Differs($"{name}: {fields[7]} is not available; the service is now a comment");
            Missing.Add(fields[0]);
            return new MasterCfEdit(null, BecomesComment: true);
        }

        IsChrooted |= fields[4] == "y";
        var replaced = fields.Select(f => main.Replace(f)).ToList();
        return new MasterCfEdit(replaced.SequenceEqual(fields, StringComparer.Ordinal) ? fields : replaced);
    }
}
