using Mta.Core.Config;
using Mta.Services.Configuration;

namespace Mta.Tools;

/// <summary>What postconf says of a configuration before and after it shows it, in Postfix's words.</summary>
internal static class PostconfChecks
{
    /// <summary>Read before all others, for other defaults depend on them.</summary>
    private static readonly string[] First = ["myhostname", "mydomain", "inet_protocols", "inet_interfaces", "mynetworks_style"];

    /// <summary>Expands whatever the program reads, as Postfix does to find lookup tables; false when that is not possible.</summary>
    public static bool Evaluate(Terminal terminal, PostconfOptions options, Settings settings, MainCf mainCf, MasterCf masterCf)
    {
        foreach (var name in First)
        {
            if (settings.IsSet(name) && settings.Expand(settings.Raw(name)!).Error is { } error)
            {
                Refuse(terminal, error, "dictionary mail_dict: macro processing error");
                return false;
            }
        }

        // Services come first, and stop what follows.
        var problems = UnusedParameters.Undefined(mainCf, masterCf);
        Warn(problems.Where(p => p.File == masterCf.File));
        if (!masterCf.Services.All(s => Evaluate(terminal, settings, s)))
        {
            return false;
        }

        Warn(problems.Where(p => p.File != masterCf.File));
        var names = Parameters.All.Where(p => p.Kind != ParameterKind.Raw && (settings.IsSet(p.Name) || p.DefaultText.Contains('$'))).Select(p => p.Name)
            .Concat(masterCf.Services.SelectMany(s => TransportParameters.OfService(s.Name, s.Command)).Select(p => p.Name).Where(settings.IsSet));
        return names.All(n => Evaluate(terminal, settings, settings.Raw(n)!));

        void Warn(IEnumerable<ConfigProblem> warnings)
        {
            foreach (var problem in options.Has('q') ? [] : warnings)
            {
                terminal.Warning(Printable(problem.ToString()));
            }
        }
    }

    /// <summary>The files that describe lookup tables, with what nothing reads in them.</summary>
    public static void CheckTableFiles(Terminal terminal, PostconfFiles files)
    {
        foreach (var (type, path) in UnusedParameters.TableFiles(files.MainCf.With([new("config_directory", files.Directory)]), files.MasterCf))
        {
            try
            {
                var table = MainCf.Parse(path, File.ReadAllText(path, System.Text.Encoding.Latin1));
                foreach (var entry in table.Entries.Reverse().DistinctBy(e => e.Name).Where(e => !TableDescriptions.Of(type)!.Contains(e.Name)))
                {
                    terminal.Warning(Printable($"{type}:{path}: unused parameter: {entry.Name}={entry.Value}"));
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                terminal.Warning($"open \"{type}\" configuration \"{path}\": {OpenFailure.Reason(path, e)}");
            }
        }
    }

    /// <summary>Says what is wrong with a value, and ends with it.</summary>
    public static int Refuse(Terminal terminal, string error, string fatal)
    {
        // Numbers that are too large stop Postfix at once.
        if (error.StartsWith("mac_exp_eval", StringComparison.Ordinal))
        {
            return terminal.Fatal(Printable(error));
        }

        foreach (var line in error.Split('\n'))
        {
            terminal.Warning(Printable(line));
        }

        return terminal.Fatal(fatal);
    }

    /// <summary>A message for a terminal: a byte of a file that is no ASCII text is shown as a question mark.</summary>
    public static string Printable(string text) => string.Create(text.Length, text, static (shown, text) =>
    {
        for (var i = 0; i < shown.Length; i++)
        {
            shown[i] = text[i] is >= ' ' and <= '~' ? text[i] : '?';
        }
    });

    private static bool Evaluate(Terminal terminal, Settings settings, MasterService service)
    {
        if (service.Overrides.Count == 0)
        {
            return true;
        }

        var own = settings.With(service.Overrides);
        return service.Overrides.Where(o => Parameters.ByName.TryGetValue(o.Key, out var p) && p.Kind != ParameterKind.Raw).All(o => Evaluate(terminal, own, o.Value));
    }

    private static bool Evaluate(Terminal terminal, Settings settings, string value)
    {
        var expansion = settings.Expand(value);
        if (expansion.Error is not null)
        {
            Refuse(terminal, expansion.Error, "macro processing error");
            return false;
        }

        TableDescriptions.Find(expansion.Value, static (_, _) => { }, p => terminal.Warning(Printable($"main.cf: {p}")));
        return true;
    }
}
