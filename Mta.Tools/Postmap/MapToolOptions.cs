using Mta.Core.Commands;
using Mta.Core.Lookup;

namespace Mta.Tools.Postmap;

/// <summary>What is to be done with the tables.</summary>
internal enum MapAction
{
    /// <summary>Replaces a table by its source file.</summary>
    Build,
    /// <summary>Adds entries from standard input (-i).</summary>
    Add,
    Query,
    Delete,
    /// <summary>Lists all entries (-s).</summary>
    List,
}

/// <summary>The command line of postmap(1) or postalias(1).</summary>
internal sealed class MapToolOptions
{
    private const string MapLetters = "bc:d:fFhijmnNopq:rsuUvw";
    private const string AliasLetters = "Nc:d:fijnopq:rsuvw";
    private const string MapHelp = """
        usage: postmap [-bfFhijmnNoprsuUvw] [-c config_dir] [-d key] [-q key] [map_type:]file...
               postmap import | export ... (see their --help)

        Makes, queries, lists and changes lookup tables, which are stored in the database under the full path of their source file.

        """;

    private const string AliasHelp = """
        usage: postalias [-fijnNoprsuvw] [-c config_dir] [-d key] [-q key] [map_type:]file...

        Makes, queries, lists and changes tables of aliases, which are stored in the database under the full path of their source file.

        """;

    private const string OptionHelp = """
          -c config_dir    the configuration directory (default: MAIL_CONFIG, else /etc/mta)
          -d key           removes the entry; - for keys from standard input. Exit code 0 when there was one
          -f               keys are not folded to lower case. The mail system folds its keys, so it finds those in lower case only
          -i               adds entries from standard input; those that are there are left alone, with a warning
          -j               prints JSON
          -q key           prints the value; - for keys from standard input. Exit code 0 when one was found
          -r               an entry that is there already is replaced, without a warning
          -s               lists all entries
          -u               only A to Z are folded, and keys and results need not be UTF-8. What is stored always is: a line that is not is
                           left out, with a warning
          -v               says which tables are opened, where, and what became of them; -vv: each lookup
          -w               an entry that is there already is left alone, without a warning

        """;

    private const string MessageHelp = """
          -F               values are names of files, whose content is stored in base64; queries decode it
          -b -h            with "-q -": the lines of the body, the header fields of a message on standard input are keys
          -m               with -b or -h: the message is walked through by its MIME structure
          -o               root reads the files that -F asks for by itself, and not with the rights of the source file's owner
          -U               with -b or -h: keys and results have to be UTF-8
          -n -N -p         have no meaning here: keys have no null byte at their end, and tables in the database have no file permissions

        """;

    private const string NoMeaningHelp = """
          -n -N -o -p      have no meaning here: keys have no null byte at their end, and tables in the database have no owner and permissions

        """;

    private const string MapUsage = "usage: postmap [-bfFhijmnNoprsuUvw] [-c config_dir] [-d key] [-q key] [map_type:]file...";
    private const string AliasUsage = "usage: postalias [-fijnNoprsuvw] [-c config_dir] [-d key] [-q key] [map_type:]file...";

    private MapToolOptions(bool aliases) => Aliases = aliases;

    /// <summary>aliases(5) syntax, in and out.</summary>
    public bool Aliases { get; }

    public MapAction Action { get; private set; }

    /// <summary>The argument of -q or -d; <c>-</c> for keys from standard input.</summary>
    public string Key { get; private set; } = "";

    public string? Directory { get; private set; }

    public DuplicateKeys Duplicates { get; private set; }

    public KeyFolding Folding { get; private set; }

    /// <summary>Keys and results are bytes, which need not be UTF-8 (-u).</summary>
    public bool AllowsBytes { get; private set; }

    /// <summary>Pieces of messages and what is found for them have to be UTF-8 (-U).</summary>
    public bool ChecksMessages { get; private set; }

    /// <summary>Root keeps its rights where the owner's of the source file would do (-o).</summary>
    public bool KeepsPrivileges { get; private set; }

    /// <summary>How often -v was given.</summary>
    public int Verbosity { get; private set; }

    /// <summary>Values are files when a table is made, and are decoded when it is read (-F).</summary>
    public bool Base64 { get; private set; }

    public bool Json { get; private set; }

    /// <summary>The header fields of a message on standard input are keys (-h).</summary>
    public bool HeaderKeys { get; private set; }

    /// <summary>The lines of its body are keys (-b).</summary>
    public bool BodyKeys { get; private set; }

    /// <summary>The message is walked through by its MIME structure (-m).</summary>
    public bool Mime { get; private set; }

    public IReadOnlyList<string> Tables { get; private set; } = [];

    /// <summary>What --help prints.</summary>
    public static string Help(bool aliases) => aliases ? AliasHelp + OptionHelp + NoMeaningHelp : MapHelp + OptionHelp + MessageHelp;

    /// <summary>Reads the arguments; on misuse says so and gives null.</summary>
    public static MapToolOptions? Read(Terminal terminal, string[] arguments, bool aliases)
    {
        var options = new MapToolOptions(aliases)
        {
            Verbosity = Environment.GetEnvironmentVariable("MAIL_VERBOSE") is null ? 0 : 1,
        };
        var getopt = new Getopt(arguments, aliases ? AliasLetters : MapLetters);
        var actions = 0;
        var message = false;
        while (getopt.TryRead(out var option))
        {
            if (option == Getopt.Invalid)
            {
                terminal.Misused(getopt);
                terminal.Fatal(aliases ? AliasUsage : MapUsage);
                return null;
            }

            actions += option is 'd' or 'q' or 's' ? 1 : 0;
            message |= option is 'b' or 'h' or 'm';
            options.HeaderKeys |= option == 'h';
            options.BodyKeys |= option == 'b';
            options.Mime |= option == 'm';
            options.Take(option, getopt.Value);
        }

        options.Tables = getopt.Operands;
        var problem = actions > 1 ? "specify only one of -s -q or -d"
            : message && (options.Action != MapAction.Query || options.Key != "-") ? "specify -b -h or -m only with \"-q -\""
            : options.Tables.Count == 0 ? aliases ? AliasUsage : MapUsage
            : null;
        if (problem is not null)
        {
            terminal.Fatal(problem);
            return null;
        }

        if (options.Mime && !options.HeaderKeys && !options.BodyKeys)
        {
            terminal.Warning("ignoring -m option without -b or -h");
        }

        return options;
    }

    private void Take(char option, string value)
    {
        switch (option)
        {
            case 'c':
                Directory = value;
                break;
            case 'd':
                (Action, Key) = (MapAction.Delete, value);
                break;
            case 'q':
                (Action, Key) = (MapAction.Query, value);
                break;
            case 's':
                Action = MapAction.List;
                break;
            case 'i' when Action == MapAction.Build:
                Action = MapAction.Add;
                break;
            case 'f':
                Folding = KeyFolding.None;
                break;
            case 'u':
                AllowsBytes = true;
                Folding = Folding == KeyFolding.None ? KeyFolding.None : KeyFolding.Ascii;
                break;
            case 'U':
                ChecksMessages = true;
                break;
            case 'o':
                KeepsPrivileges = true;
                break;
            case 'v':
                Verbosity++;
                break;
            case 'F':
                Base64 = true;
                break;
            case 'j':
                Json = true;
                break;
            case 'r':
                Duplicates = DuplicateKeys.Replace;
                break;
            case 'w':
                Duplicates = DuplicateKeys.Ignore;
                break;
            default:
                // n and N choose the form of keys in Berkeley DB files, p the rights of those files: here tables are rows.
                break;
        }
    }
}
