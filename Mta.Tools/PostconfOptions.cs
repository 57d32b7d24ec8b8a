using Mta.Core.Commands;

namespace Mta.Tools;

/// <summary>What postconf(1) is told to do.</summary>
internal sealed class PostconfOptions
{
    public const string Usage =
        "usage: postconf [-c config_dir] [-C param_class] [-d (defaults)] [-e (edit)] [-f (fold lines)] [-F (master.cf fields)] [-h (no names)] "
        + "[-H (no values)] [-l (lock types)] [-m (map types)] [-M (master.cf)] [-n (explicit settings)] [-o name=value (override)] "
        + "[-p (main.cf, default)] [-P (master.cf parameters)] [-q (quiet)] [-v] [-x (expand values)] [-X (exclude)] [-# (comment out)] [name...]";

    private const string Letters = "c:C:defFhHlmMno:pPqvxX#";

    /// <summary>The options that say what to show or do: at most one, but for -e, -X and -# with -M, -F or -P.</summary>
    private const string Modes = "deFlmMnpPX#";

    private readonly HashSet<char> given = [];

    private PostconfOptions()
    {
    }

    public string? ConfigDirectory { get; private set; }

    /// <summary><c>builtin</c>, <c>service</c>, <c>user</c> or <c>all</c>.</summary>
    public List<string> Classes { get; } = [];

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
                    options.Classes.Add(reader.Value);
                    break;
                case 'o':
                    options.Overrides.Add(reader.Value);
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
            return $"unknown -C option value \"{unknown}\" in \"{unknown}\"";
        }

        // As in Postfix, a name=value among the names asks for an edit.
        if (!"denlm".Any(Has) && Operands.Any(o => o.Contains('=')))
        {
            given.Add('e');
        }

        foreach (var group in (string[])["hH", "eX#", "MFP", "dn"])
        {
            if (group.Count(Has) > 1)
            {
                return "specify one of" + string.Concat(group.Where(Has).Select(c => $" -{c}"));
            }
        }

        var isEdit = Has('e') || Has('X') || Has('#');
        var modes = Modes.Where(m => Has(m) && m != 'p' && !(isEdit && "MFP".Contains(m))).ToList();
        if (modes.Count > 1)
        {
            return "specify one of" + string.Concat(modes.Select(c => $" -{c}"));
        }

        if (isEdit && EditProblem() is { } problem)
        {
            return problem;
        }

        return Has('M') && (Has('h') || Has('H')) ? $"with option -M, do not specify -{(Has('h') ? 'h' : 'H')}" : null;
    }

    private string? EditProblem()
    {
        if ((Has('F') && (Has('X') || Has('#'))) || (Has('P') && Has('#')))
        {
            return $"with option -{(Has('F') ? 'F' : 'P')}, do not specify -{(Has('X') ? 'X' : '#')}";
        }

        if (Operands.Count == 0)
        {
            return Has('e') ? "-e requires name=value argument" : $"-{(Has('X') ? 'X' : '#')} requires name argument";
        }

        return Operands.Any(o => o.Contains('\n')) ? "-e, -X, or -# accepts no multi-line input"
            : Operands.Any(o => o.TrimStart().StartsWith('#')) ? "-e, -X, or -# accepts no comment input"
            : null;
    }
}
