using Mta.Core.Commands;
using Mta.Core.Config;

namespace Mta.Tools.Import;

/// <summary>The command line of <c>postmap import</c>.</summary>
internal sealed class ImportOptions
{
    private const string Usage = "usage: postmap import [-n | --dry-run] [-c config_dir] [-o name=value]... postfix_config_dir";

    private const string Help = """
        usage: postmap import [--dry-run] [-c config_dir] [-o name=value]... postfix_config_dir

        Moves the configuration of a Postfix here. Reads main.cf and master.cf in postfix_config_dir, stores every table that they name and
        that Postfix keeps in an indexed file (hash, btree, lmdb, cdb, dbm) in the database under its path, so that references stay as they
        are, and writes main.cf and master.cf into config_dir. Prints what it did, what differs from Postfix, and what it left alone.

          -n, --dry-run    changes nothing; prints what would be done
          -c config_dir    where main.cf and master.cf are written (default: MAIL_CONFIG, else /etc/mta); may be postfix_config_dir itself.
                           Files that are there are kept under the name NAME.before-import; their own parameters, such as database_url,
                           mail_owner and the directories, are taken over
          -o name=value    sets a parameter in the new main.cf, such as database_url or mail_owner

        See also: postmap export, which writes a table back as a source file of postmap or postalias.
        """;

    private ImportOptions()
    {
    }

    public bool DryRun { get; private set; }

    /// <summary>Where Postfix's files are.</summary>
    public string Source { get; private set; } = "";

    /// <summary>The value of -c.</summary>
    public string? Target { get; private set; }

    public Dictionary<string, string> Overrides { get; } = new(StringComparer.Ordinal);

    /// <summary>Null when the command ends here, with this exit code; what there was to say was said.</summary>
    public static ImportOptions? Read(Terminal terminal, string[] arguments, out int exitCode)
    {
        exitCode = ExitCode.Failure;
        if (arguments.Contains("--help"))
        {
            terminal.Out.WriteLine(Help);
            exitCode = ExitCode.Ok;
            return null;
        }

        var options = new ImportOptions { DryRun = arguments.Contains("--dry-run") };
        var getopt = new Getopt([.. arguments.Where(a => a != "--dry-run")], "nc:o:");
        while (getopt.TryRead(out var option))
        {
            if (option == Getopt.Invalid)
            {
                terminal.Misused(getopt);
                terminal.Fatal(Usage);
                return null;
            }

            if (!options.Take(option, getopt.Value))
            {
                terminal.Fatal($"-o {getopt.Value}: write -o name=value");
                return null;
            }
        }

        if (getopt.Operands is not [var source])
        {
            terminal.Fatal(Usage);
            return null;
        }

        options.Source = Path.GetFullPath(source);
        return options;
    }

    private bool Take(char option, string value)
    {
        switch (option)
        {
            case 'n':
                DryRun = true;
                return true;
            case 'c':
                Target = value;
                return true;
            default:
                var isRight = MainCf.TrySplit(value, out var name, out var text, out _);
                Overrides[name] = text;
                return isRight;
        }
    }
}
