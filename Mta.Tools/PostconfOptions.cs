using Mta.Core.Commands;

namespace Mta.Tools;

/// <summary>What postconf(1) is told to do.</summary>
internal sealed class PostconfOptions
{
    public const string Usage =
        "usage: postconf [-a (server SASL types)] [-A (client SASL types)] [-b (bounce templates)] [-c config_dir] [-C param_class] [-d (parameter defaults)] "
        + "[-e (edit configuration)] [-f (fold lines)] [-F (master.cf fields)] [-h (no names)] [-H (no values)] [-j (JSON)] [-l (lock types)] [-m (map types)] "
        + "[-M (master.cf)] [-n (non-default parameters)] [-o name=value (override parameter value)] [-p (main.cf, default)] [-P (master.cf parameters)] "
        + "[-q (no warnings)] [-S (source of each value)] [-t (bounce templates)] [-T compile-version|run-version|public-key-algorithms] [-v (verbose)] "
        + "[-x (expand parameter values)] [-X (exclude)] [-# (comment-out)] [name...]";

    private const string Letters = "aAbc:C:deEfFhHjlmMno:pPqStT:vxX#";

    /// <summary>Of each set one may be given; the first set that has more is complained of, in this order.</summary>
    private static readonly string[] Exclusive = ["aAbFlmMpPtT", "denX#", "do", "efX#", "eoX#", "exX#", "ehHX#", "eSX#"];

    /// <summary>What to show or do, and the options that do not go with it.</summary>
    private static readonly (string Modes, string Others)[] Incompatible =
        [("aAblmtT", "defhHjnoSxX#"), ("F", "dnSX#"), ("M", "dhHnS"), ("P", "dn#")];

    private readonly HashSet<char> given = [];

    private string classesAsGiven = "";

    private PostconfOptions()
    {
    }

    public string? ConfigDirectory { get; private set; }

    /// <summary><c>builtin</c>, <c>service</c>, <c>user</c> or <c>all</c>.</summary>
    public List<string> Classes { get; } = [];

    /// <summary>What <c>-T</c> asks for.</summary>
    public string TlsMode { get; private set; } = "";

    public List<string> Overrides { get; } = [];

    public IReadOnlyList<string> Operands { get; private set; } = [];

    public bool Has(char option) => given.Contains(option);

    /// <summary>Null when they are no good; then <paramref name="error"/> says why.</summary>
    public static PostconfOptions? Parse(Terminal terminal, string[] arguments, out string? error)
    {
        var options = new PostconfOptions();
        var reader = new Getopt(arguments, Letters);
        while (reader.TryRead(out var letter))
        {
            switch (letter)
            {
                case Getopt.Invalid:
                    terminal.Misused(reader);
                    error = Usage;
                    return null;
                case 'c':
                    options.ConfigDirectory = reader.Value;
                    break;
                case 'C':
                    options.classesAsGiven = reader.Value;
                    options.Classes.AddRange(reader.Value.Split([',', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries));
                    break;
                case 'T':
                    options.TlsMode = reader.Value;
                    options.given.Add(letter);
                    break;
                case 'E':
                    error = Usage;
                    return null;
                case 'o':
                    options.Overrides.Add(reader.Value);
                    options.given.Add(letter);
                    break;
                default:
                    options.given.Add(letter);
                    break;
            }
        }

        options.Operands = reader.Operands;
        error = options.Contradiction();
        return error is null ? options : null;
    }

    private string? Contradiction()
    {
        if (Classes.Find(c => c is not ("builtin" or "service" or "user" or "all")) is { } unknown)
        {
            return $"unknown -C option value \"{unknown}\" in \"{classesAsGiven}\"";
        }

        // As in Postfix, a name=value among the names asks for an edit.
        if (!"aAblmtT".Any(Has) && Operands.Any(o => o.Contains('=')))
        {
            given.Add('e');
        }

        if (Has('b') && Has('t'))
        {
            return "specify one of -b and -t";
        }

        foreach (var set in Exclusive)
        {
            if (set.Count(Has) > 1)
            {
                return "specify one of" + string.Concat(set.Where(Has).Select(c => $" -{c}"));
            }
        }

        foreach (var (modes, others) in Incompatible)
        {
            if (modes.FirstOrDefault(Has) is var mode && mode != default && others.FirstOrDefault(Has) is var other && other != default)
            {
                return $"with option -{mode}, do not specify -{other}";
            }
        }

        return Has('e') || Has('X') || Has('#') ? EditProblem() : null;
    }

    private string? EditProblem()
    {
        if (Operands.Count == 0)
        {
            return Has('e') ? "-e requires name=value argument" : "missing service argument";
        }

        return Operands.Any(o => o.Contains('\n')) ? "-e, -X, or -# accepts no multi-line input"
            : Operands.Any(o => o.TrimStart().StartsWith('#')) ? "-e, -X, or -# accepts no comment input"
            : null;
    }
}
