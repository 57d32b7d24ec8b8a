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

    public bool FoldKeys { get; private set; } = true;

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

    /// <summary>Reads the arguments; on misuse says so and gives null.</summary>
    public static MapToolOptions? Read(Terminal terminal, string[] arguments, bool aliases)
    {
        var options = new MapToolOptions(aliases);
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
                FoldKeys = false;
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
                // n and N choose the form of keys in Berkeley DB files, o and p rights of files, u and U the checks of UTF-8, v debugging:
                // here tables are rows and all text is UTF-8.
                break;
        }
    }
}
