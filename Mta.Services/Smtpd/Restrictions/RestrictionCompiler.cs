using System.Collections.Concurrent;
using Mta.Core.Config;
using Mta.Services.Maps;

namespace Mta.Services.Smtpd.Restrictions;

/// <summary>Makes lists of restrictions of their text: names, their arguments, classes, and tables that stand for a restriction by themselves.</summary>
/// <param name="open">Opens a table by its reference.</param>
internal sealed class RestrictionCompiler(Settings settings, Func<string, TableList> open)
{
    private const string AccessRestrictions =
        "check_client_access, check_reverse_client_hostname_access, check_helo_access, check_sender_access, check_recipient_access, check_etrn_access";

    /// <summary>In the place of what makes no sense.</summary>
    private static readonly RestrictionDefinition Fault = new("", static (context, argument, _) =>
    {
        context.Session.Log.Warning(context.Session.Tag, $"{argument.Text}");
        return new(Verdict.ConfigurationError);
    });

    /// <summary>Answers of tables are remembered up to here; others are compiled each time.</summary>
    private const int MostAnswers = 1000;

    private readonly HashSet<string> classNames =
        new(RestrictionWords.Split(settings.Get(Parameters.SmtpdRestrictionClasses)), StringComparer.Ordinal);

    private readonly Lock compiling = new();
    private readonly Dictionary<(string Name, string? TableRestriction), RestrictionClass> classes = [];
    private readonly ConcurrentDictionary<(string Text, string Class, string? TableRestriction), Restriction[]> answers = new();
    private readonly List<string> problems = [];

    /// <summary>What is wrong with the parameters that were compiled, one text each.</summary>
    public IReadOnlyList<string> Problems => problems;

    /// <summary>Finds classes that are named and nowhere defined: a table's answer may name them, too.</summary>
    public void CheckClasses()
    {
        foreach (var name in classNames)
        {
            if (!IsDefined(name))
            {
                problems.Add($"smtpd_restriction_classes: restriction class `{name}' needs a definition");
            }
        }
    }

    /// <summary>The list of a parameter.</summary>
    public Restriction[] Compile(Parameter<string> parameter)
    {
        var @class = parameter.Name switch
        {
            "smtpd_client_restrictions" => "Client host",
            "smtpd_helo_restrictions" => "Helo command",
            "smtpd_sender_restrictions" => "Sender address",
            "smtpd_etrn_restrictions" => "Etrn command",
            "smtpd_data_restrictions" => "Data command",
            "smtpd_end_of_data_restrictions" => "End-of-data",
            _ => "Recipient address",
        };
        lock (compiling)
        {
            return Compile(parameter.Name, settings.Get(parameter), @class, TableRestriction(@class));
        }
    }

    /// <summary>The restriction that a table stands for in a list about a class; null where it needs one before it.</summary>
    public static string? TableRestriction(string @class) => @class switch
    {
        "Client host" => "check_client_access",
        "Helo command" => "check_helo_access",
        "Sender address" => "check_sender_access",
        "Recipient address" => "check_recipient_access",
        "Etrn command" => "check_etrn_access",
        _ => null,
    };

    /// <summary>The list that an access table's answer is.</summary>
    public Restriction[] CompileAnswer(string text, string @class, string? tableRestriction)
    {
        if (answers.TryGetValue((text, @class, tableRestriction), out var known))
        {
            return known;
        }

        lock (compiling)
        {
            var list = Compile("", text, @class, tableRestriction);
            if (answers.Count < MostAnswers)
            {
                answers[(text, @class, tableRestriction)] = list;
            }

            return list;
        }
    }

    private Restriction[] Compile(string owner, string text, string @class, string? tableRestriction)
    {
        var words = RestrictionWords.Split(text);
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

            var restriction = Read(words, ref i, owner, @class, tableRestriction);
            list.Add(restriction with { WarnOnly = warnOnly });
            if (ReferenceEquals(restriction.Definition, Fault))
            {
                break;
            }

            warnOnly = false;
        }

        return [.. list];
    }

    private Restriction Read(List<string> words, ref int i, string owner, string @class, string? tableRestriction)
    {
        var word = words[i];
        if (RestrictionWords.IsTable(word))
        {
            return tableRestriction is null
                ? Wrong(owner, $"specify one of ({AccessRestrictions}) before {@class} restriction \"{word}\"")
                : new Restriction(RestrictionTable.Find(tableRestriction)!, Open(word), WarnOnly: false);
        }

        if (RestrictionTable.Find(word) is not { } definition)
        {
            return classNames.Contains(word) ? Class(owner, word, @class, tableRestriction)
                : owner.Length == 0 ? Wrong(owner, $"unknown smtpd restriction: \"{word}\"")
                : Wrong(owner, $"restriction \"{word}\" is not implemented in this version");
        }

        var argument = i + 1 < words.Count ? words[i + 1] : null;
        switch (definition.Argument)
        {
            case ArgumentKind.None:
                return new Restriction(definition, RestrictionArgument.None, WarnOnly: false)
                {
                    Ignored = definition.Name is "permit" or "reject" or "defer" ? argument : null,
                };
            case ArgumentKind.Table when owner.Length == 0 && argument is not null && !RestrictionWords.IsTable(argument):
                return Wrong(owner, $"restriction {word}: bad argument \"{argument}\": need maptype:mapname");
            case ArgumentKind.Table when argument is null || !RestrictionWords.IsTable(argument):
                return Wrong(owner, $"restriction \"{word}\" requires a table (type:name) as its argument");
            case ArgumentKind.Table:
                i++;
                return new Restriction(definition, Open(argument), WarnOnly: false);
            case ArgumentKind.Number when argument is null || argument.AsSpan().ContainsAnyExceptInRange('0', '9'):
                return Wrong(owner, $"restriction {word} must be followed by number");
            default:
                i++;
                return argument is null
                    ? Wrong(owner, $"restriction {word} requires domain name argument")
                    : new Restriction(definition, new RestrictionArgument(argument, TableList.Empty), WarnOnly: false);
        }
    }

    /// <summary>A class is compiled once for each restriction that its tables may stand for; by then it is known, for it may name itself.</summary>
    private Restriction Class(string owner, string name, string @class, string? tableRestriction)
    {
        if (!classes.TryGetValue((name, tableRestriction), out var found))
        {
            classes[(name, tableRestriction)] = found = new RestrictionClass(name);
            found.List = Compile(owner.Length == 0 ? "" : name, settings.Text(name) ?? "", @class, tableRestriction);
        }

        return new Restriction(
            new RestrictionDefinition(name, found.AskAsync), RestrictionArgument.None with { Class = found }, WarnOnly: false);
    }

    private bool IsDefined(string name) => RestrictionWords.Split(settings.Text(name) ?? "").Count > 0;

    /// <summary>In a parameter it keeps the server from starting; in a table's answer it is said, with a refusal, when it is asked.</summary>
    private Restriction Wrong(string owner, string problem)
    {
        if (owner.Length > 0)
        {
            problems.Add($"{owner}: {problem}");
        }

        return new Restriction(Fault, new RestrictionArgument(problem, TableList.Empty), WarnOnly: false);
    }

    // { type:name, options } has options that only certificates would have a use for.
    private RestrictionArgument Open(string word)
    {
        var reference = word.StartsWith('{') && word.EndsWith('}') ? RestrictionWords.Split(word[1..^1])[0] : word;
        return new RestrictionArgument(reference, open(reference));
    }
}
