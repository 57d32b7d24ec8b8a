using System.Text;
using Mta.Core.Config;

namespace Mta.Services.Configuration;

/// <summary>Finds the configuration directory and reads main.cf and master.cf out of it.</summary>
public static class ConfigurationDirectory
{
    public const string Default = "/etc/mta";

    /// <summary>The directory of the <c>-c</c> option, else of MAIL_CONFIG, else the default one.</summary>
    public static string Find(string? option)
    {
        var chosen = string.IsNullOrEmpty(option) ? Environment.GetEnvironmentVariable("MAIL_CONFIG") : option;
        return string.IsNullOrEmpty(chosen) ? Default : chosen;
    }

    /// <summary>Reads both files and checks every value in them, as the daemon does at start and reload.</summary>
    public static async Task<LoadedConfiguration> LoadAsync(string directory, string processName, CancellationToken cancellationToken)
    {
        var problems = new List<ConfigProblem>();
        var mainText = await ReadAsync(directory, "main.cf", problems, cancellationToken).ConfigureAwait(false);
        var masterText = await ReadAsync(directory, "master.cf", problems, cancellationToken).ConfigureAwait(false);
        KeyValuePair<string, string>[] given = [new("config_directory", directory)];
        var main = SettingsLoader.Load(Path.Combine(directory, "main.cf"), mainText, HostInformation.Gather(processName), given);
        problems.AddRange(main.Problems);

        var names = await HostInformation.ReadServiceNamesAsync(cancellationToken).ConfigureAwait(false);
        var ports = InetEndpoint.KnownPorts(main.Settings?.Get(Parameters.KnownTcpPorts) ?? "", names);
        var master = MasterCf.Parse(Path.Combine(directory, "master.cf"), masterText, ports);
        problems.AddRange(master.Problems);
        var services = main.Settings is null ? [] : Enabled(master.Services, main.Settings.Get(Parameters.MasterServiceDisable));
        if (main.Settings is not null)
        {
            CheckOverrides(main.Settings, master, problems);
        }

        problems.AddRange(UnusedParameters.Find(main.MainCf, master));
        problems.AddRange(NotHonoured.Find(main.MainCf, master));
        problems.AddRange(ServiceNotices.Find(master.File, services));
        return new LoadedConfiguration
        {
            Directory = directory,
            Settings = problems.Exists(p => p.IsError) ? null : main.Settings,
            MainCf = main.MainCf,
            MasterCf = master,
            Problems = problems,
            Services = services,
        };
    }

    /// <summary>
    /// Reads main.cf alone, and only for its syntax, as commands do that need a few values; asking for a bad one throws
    /// <see cref="SettingsException"/>. A file that is missing or broken is in <paramref name="problems"/>, and the rest is used.
    /// </summary>
    public static async Task<Settings> LoadMainAsync(
        string directory,
        string processName,
        List<ConfigProblem> problems,
        CancellationToken cancellationToken)
    {
        var text = await ReadAsync(directory, "main.cf", problems, cancellationToken).ConfigureAwait(false);
        var mainCf = MainCf.Parse(Path.Combine(directory, "main.cf"), text);
        problems.AddRange(mainCf.Problems);
        return SettingsLoader.Unchecked(mainCf, HostInformation.Gather(processName), [new("config_directory", directory)]);
    }

    private static async Task<string> ReadAsync(string directory, string name, List<ConfigProblem> problems, CancellationToken cancellationToken)
    {
        var path = Path.Combine(directory, name);
        try
        {
            // Not as text: that would take a mark of the byte order off, which Postfix takes for a part of the first name.
            return Encoding.UTF8.GetString(await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add(ConfigProblem.Error("", 0, $"open {path}: {OpenFailure.Reason(path, e)}"));
            return "";
        }
    }

    private static void CheckOverrides(Settings settings, MasterCf master, List<ConfigProblem> problems)
    {
        foreach (var service in master.Services)
        {
            if (service.Overrides.Count == 0)
            {
                continue;
            }

            foreach (var (_, error) in LoadedConfiguration.ForService(settings, service).Validate())
            {
                problems.Add(ConfigProblem.Error(master.File, service.Line, error));
            }
        }
    }

    /// <summary>Leaves out what <c>master_service_disable</c> names: <c>type</c>, or <c>name/type</c> (<c>name.type</c> in old files).</summary>
    private static List<MasterService> Enabled(IReadOnlyList<MasterService> services, string disabled)
    {
        var names = ValueList.Split(disabled);
        return [.. services.Where(s => !names.Contains(TypeName(s)) && !names.Contains($"{s.Name}/{TypeName(s)}") && !names.Contains($"{s.Name}.{TypeName(s)}"))];
    }

    private static string TypeName(MasterService service) => service.Type switch
    {
        ServiceType.Inet => "inet",
        ServiceType.UnixDgram => "unix-dgram",
        ServiceType.Fifo => "fifo",
        ServiceType.Pass => "pass",
        _ => "unix",
    };
}
