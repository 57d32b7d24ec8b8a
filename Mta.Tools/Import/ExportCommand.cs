using System.Text;
using Mta.Core.Addresses;
using Mta.Core.Commands;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Storage.Connections;
using Mta.Storage.Maps;
using Npgsql;

namespace Mta.Tools.Import;

/// <summary>
/// <c>postmap export</c>: writes a table back as a source file of postmap(1), or of postalias(1) where it holds aliases. Making a table
/// of what it writes gives the same table.
/// </summary>
internal sealed class ExportCommand(Terminal terminal, LookupStore store)
{
    private const string Usage = "usage: postmap export [-c config_dir] [-o file] map_type:file...";

    private const string Help = """
        usage: postmap export [-c config_dir] [-o file] map_type:file...

        Writes tables of the database as source files of postmap, or of postalias where they hold aliases: to standard output, or into a file.

          -c config_dir    the configuration directory (default: MAIL_CONFIG, else /etc/mta)
          -o file          writes there; a file that is there is replaced in one step
        """;

    private int lost;

    public static async Task<int> RunAsync(
        Terminal terminal,
        string[] arguments,
        Func<string?, CancellationToken, Task<Settings?>> loadSettings,
        Func<Settings, CancellationToken, Task<DatabasePool>> openDatabase,
        CancellationToken cancellationToken)
    {
        if (arguments.Contains("--help"))
        {
            terminal.Out.WriteLine(Help);
            return ExitCode.Ok;
        }

        string? directory = null, file = null;
        var getopt = new Getopt(arguments, "c:o:");
        while (getopt.TryRead(out var option))
        {
            if (option == Getopt.Invalid)
            {
                terminal.Misused(getopt);
                return terminal.Fatal(Usage);
            }

            (directory, file) = option == 'c' ? (getopt.Value, file) : (directory, getopt.Value);
        }

        if (getopt.Operands.Count == 0)
        {
            return terminal.Fatal(Usage);
        }

        if (await loadSettings(directory, cancellationToken).ConfigureAwait(false) is not { } settings)
        {
            return ExitCode.Failure;
        }

        var command = new ExportCommand(terminal, new LookupStore(await openDatabase(settings, cancellationToken).ConfigureAwait(false)));
        return await command.ExportAsync(getopt.Operands, file, settings, cancellationToken).ConfigureAwait(false);
    }

    private async Task<int> ExportAsync(IReadOnlyList<string> operands, string? file, Settings settings, CancellationToken cancellationToken)
    {
        var temporary = file + ".tmp";
        var output = file is null ? terminal.Out : new StreamWriter(temporary) { NewLine = "\n" };
        try
        {
            foreach (var operand in operands)
            {
                var reference = TableReference.Parse(operand);
                reference = reference.Type.Length > 0 ? reference : new TableReference(settings.Get(Parameters.DefaultDatabaseType), reference.Name);
                var name = reference.HasSourceFile || reference.IsPatterns ? Path.GetFullPath(reference.Name) : reference.Name;
                if ((await store.ReadVersionsAsync([name], cancellationToken).ConfigureAwait(false)) is not [var table])
                {
                    return terminal.Fatal($"open database {name}: No such table");
                }

                await output.WriteAsync($"# {reference.Type}:{name} as it is in the database\n").ConfigureAwait(false);
                var kind = table.Kind;
                foreach (var (_, rule) in await store.ReadRulesAsync(table.Id, cancellationToken).ConfigureAwait(false))
                {
                    await output.WriteAsync(rule + "\n").ConfigureAwait(false);
                }

                await store.ReadAllAsync(name, (key, value) => Write(output, name, kind, key, value), cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            if (file is not null)
            {
                await output.DisposeAsync().ConfigureAwait(false);
            }
        }

        if (file is not null)
        {
            File.Move(temporary, file, overwrite: true);
        }

        return lost == 0 ? ExitCode.Ok : ExitCode.Failure;
    }

    private void Write(TextWriter output, string name, LookupKind kind, string key, string value)
    {
        var isAlias = kind == LookupKind.Aliases;
        var line = isAlias ? $"{(AddressQuoting.IsDotString(key) ? key : AddressQuoting.ToExternal(key + "@")[..^1])}: {value}" : $"{key}\t{value}";
        var read = isAlias ? AliasSource.Read(line) : MapSource.Read(line);

        // SQL takes keys and values that no source file can hold: a line end, or white space that is not quoted.
        if (read.Key != key || read.Value != value || key[0] == '#' || value.Contains('\n', StringComparison.Ordinal))
        {
            lost++;
            terminal.Warning($"{name}: no line of a source file says \"{key}\": \"{value}\"; it is left out");
            return;
        }

        output.Write(line);
        output.Write('\n');
    }
}
