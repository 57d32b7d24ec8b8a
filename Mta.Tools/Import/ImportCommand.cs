using System.Globalization;
using System.Text;
using Mta.Core.Commands;
using Mta.Core.Config;
using Mta.Core.Lookup;
using Mta.Services.Configuration;
using Mta.Services.Smtpd.Restrictions;
using Mta.Storage;
using Mta.Storage.Connections;
using Mta.Storage.Maps;
using Mta.Tools.Postmap;
using Npgsql;

namespace Mta.Tools.Import;

/// <summary>
/// <c>postmap import</c>: takes over the tables and the configuration of a Postfix. Tables come first, each in a transaction of its own;
/// then main.cf and master.cf are written. What cannot be taken over is said, and ends with exit code 1 after all else was done.
/// </summary>
internal sealed class ImportCommand
{
    private readonly ImportOptions options;
    private readonly PostfixConfiguration source;
    private readonly string target;
    private readonly ImportReport report = new();

    private ImportCommand(ImportOptions options, PostfixConfiguration source)
    {
        this.options = options;
        this.source = source;
        target = Path.GetFullPath(ConfigurationDirectory.Find(options.Target));
    }

    /// <param name="openDatabase">Called unless nothing is to be changed, with the settings of the new main.cf.</param>
    public static async Task<int> RunAsync(
        Terminal terminal, string[] arguments, Func<Settings, CancellationToken, Task<DatabasePool>> openDatabase, CancellationToken cancellationToken)
    {
        if (ImportOptions.Read(terminal, arguments, out var exitCode) is not { } options)
        {
            return exitCode;
        }

        if (PostfixConfiguration.Read(terminal, options.Source) is not { } source)
        {
            return ExitCode.Failure;
        }

        try
        {
            return await new ImportCommand(options, source).RunAsync(terminal, openDatabase, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return terminal.Fatal(e.Message);
        }
    }

    private async Task<int> RunAsync(
        Terminal terminal, Func<Settings, CancellationToken, Task<DatabasePool>> openDatabase, CancellationToken cancellationToken)
    {
        foreach (var problem in source.MainCf.Problems)
        {
            report.Problem(problem.ToString());
        }

        var sockets = new ForeignSockets(source);
        var mainImport = new MainCfImport(source, sockets, report);
        var mainText = mainImport.Make(ReadReplaced(), options.Overrides);
        var masterImport = new MasterCfImport(source, mainImport, report);
        var masterText = masterImport.Make();
        if (masterImport.IsChrooted)
        {
            report.Differs("services are never chrooted here; the chroot field of master.cf has no effect");
        }

        CheckRestrictions();
        var tables = new List<(TableUse Use, TableContent Content)>();
        var reader = new TableReader(source.Directory, sockets);
        foreach (var use in TableUses.Find(source))
        {
            if (await TakeAsync(use, reader, cancellationToken).ConfigureAwait(false) is { } content)
            {
                tables.Add((use, content));
                TellOfMissing(use, content, masterImport.Missing);
            }
        }

        if (!options.DryRun)
        {
            var settings = SettingsLoader.Unchecked(
                MainCf.Parse("main.cf", Decoded(mainText)), HostInformation.Gather(terminal.Name), [new("config_directory", target)]);
            var writer = new LookupWriter(await openDatabase(settings, cancellationToken).ConfigureAwait(false));
            using var progress = new ProgressLine(terminal);
            foreach (var (use, content) in tables)
            {
                await StoreAsync(writer, use, content.Entries!, progress, cancellationToken).ConfigureAwait(false);
            }
        }

        Write("main.cf", mainText);
        if (masterText.Length > 0)
        {
            Write("master.cf", masterText);
        }

        report.Left($"the files of {source.Directory}, and Postfix itself: stop it before this system starts on the same ports");
        report.Print(terminal.Out, options.DryRun);
        return report.HasProblems ? ExitCode.Failure : ExitCode.Ok;
    }

    /// <summary>A list that names what is not there would keep the new system from starting.</summary>
    private void CheckRestrictions()
    {
        foreach (var problem in RestrictionCheck.Find(source.Settings, static _ => true))
        {
            report.Problem($"{source.MainCf.File}: {problem}: take it out of the new file, or smtpd does not start");
        }

        foreach (var service in source.MasterCf.Services.Where(s => s.Command == "smtpd"))
        {
            var names = service.Overrides.Select(o => o.Key).ToHashSet(StringComparer.Ordinal);
            foreach (var problem in RestrictionCheck.Find(LoadedConfiguration.ForService(source.Settings, service), names.Contains))
            {
                report.Problem($"{source.MasterCf.File}, line {service.Line}: {problem}: take it out of the new file, or smtpd does not start");
            }
        }
    }

    /// <summary>Mail that a transport table sends to a service which is not there waits.</summary>
    private void TellOfMissing(TableUse use, TableContent content, HashSet<string> missing)
    {
        var named = use.Kind == LookupKind.Transport ? content.Entries!.Values.Select(v => v.Split(':')[0]).Where(missing.Contains) : [];
        foreach (var service in named.CountBy(s => s))
        {
            report.Differs(string.Create(
                CultureInfo.InvariantCulture, $"{use.Reference.Name}: {service.Value} entries name the service {service.Key}, which is not available: mail for them is deferred"));
        }
    }

    private async Task StoreAsync(
        LookupWriter writer, TableUse use, Dictionary<string, string> entries, ProgressLine progress, CancellationToken cancellationToken)
    {
        void Show(int sent) => progress.Show($"{use.Reference}: {sent} of {entries.Count} entries");
        Show(0);
        try
        {
            await writer.BuildAsync(use.Reference.Name, use.Kind, entries, onlyIfMissing: false, cancellationToken, Show).ConfigureAwait(false);
        }
        catch (StorageException e) when (LookupWriter.IsRuleBroken(e))
        {
            report.Differs($"{e.Message}; it is stored as a plain map, and answers as in Postfix");
            await writer.BuildAsync(use.Reference.Name, LookupKind.Map, entries, onlyIfMissing: false, cancellationToken, Show).ConfigureAwait(false);
        }
    }

    private MainCf? ReadReplaced()
    {
        var path = Path.Combine(target, "main.cf");
        return target == source.Directory || PostfixConfiguration.ReadText(path, out _) is not { } text ? null : MainCf.Parse(path, Decoded(text));
    }

    /// <summary>The content of a table that is to be stored; null for one that is not, which is reported.</summary>
    private async Task<TableContent?> TakeAsync(TableUse use, TableReader reader, CancellationToken cancellationToken)
    {
        var users = string.Join(", ", use.Users);
        if (use.Users.All(u => TableUses.IsCache(u[(u.LastIndexOf(' ') + 1)..])))
        {
            if (!use.IsOptional)
            {
                report.Left($"{use.Reference}: a cache, which begins empty here ({users})");
            }

            return null;
        }

        if (!use.Reference.IsStored)
        {
            Explain(use, users, reader);
            return null;
        }

        var content = await reader.ReadAsync(use, cancellationToken).ConfigureAwait(false);
        foreach (var warning in content.Warnings)
        {
            report.Differs(warning);
        }

        if (content.Entries is null)
        {
            if (!use.IsOptional)
            {
                report.Problem($"{use.Reference} was not imported: {content.Problem} ({users})");
            }

            return null;
        }

        report.Table(string.Create(CultureInfo.InvariantCulture, $"{use.Reference}  {content.Entries.Count} entries from {content.From} ({users})"));
        return content;
    }

    private void Explain(TableUse use, string users, TableReader reader)
    {
        var (type, name) = use.Reference;
        var isFile = name[0] is '/' or '.';
        foreach (var line in type is "cidr" or "regexp" or "pcre" or "texthash" && isFile ? reader.FindSockets(name) : [])
        {
            report.Problem(line);
        }

        switch (type)
        {
            case "cidr" or "regexp" or "pcre" or "texthash" when isFile && !File.Exists(name):
                report.Problem($"{use.Reference}: open {name}: No such file or directory ({users})");
                break;
            case "cidr" or "regexp" or "pcre" when isFile:
                report.Left($"{use.Reference}: read as a file, as by Postfix; \"postmap {use.Reference}\" stores it for all nodes ({users})");
                break;
            case "texthash" when isFile:
                report.Left($"{use.Reference}: read as a file, as by Postfix ({users})");
                break;
            case "pgsql" or "sqlite" or "ldap" or "memcache" or "tcp" or "socketmap":
                report.Left($"{use.Reference}: asked where it is, as by Postfix ({users})");
                break;
            case "cidr" or "regexp" or "pcre":
                break;
            default:
                report.Differs($"{use.Reference}: tables of type {type} are not available; mail that needs it is deferred ({users})");
                break;
        }
    }

    private void Write(string name, string text)
    {
        var path = Path.Combine(target, name);
        var before = PostfixConfiguration.ReadText(path, out _);
        var saved = path + ".before-import";
        for (var number = 2; File.Exists(saved); number++)
        {
            saved = string.Create(CultureInfo.InvariantCulture, $"{path}.before-import.{number}");
        }

        report.Configuration(before == text ? $"{path}: unchanged" : before is null ? path : $"{path}; the one that was there is {saved}");
        if (options.DryRun || before == text)
        {
            return;
        }

        Directory.CreateDirectory(target);
        if (before is not null)
        {
            File.WriteAllText(saved, before, Encoding.Latin1);
        }

        // A new file takes the old one's name in one step, so that no reader ever sees half of it.
        File.WriteAllText(path + ".tmp", text, Encoding.Latin1);
        File.Move(path + ".tmp", path, overwrite: true);
    }

    private static string Decoded(string bytes) => Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(bytes));
}
