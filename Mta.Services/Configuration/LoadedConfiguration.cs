using Mta.Core.Config;

namespace Mta.Services.Configuration;

/// <summary>What was read from a configuration directory.</summary>
public sealed class LoadedConfiguration
{
    public required string Directory { get; init; }

    /// <summary>Null when a problem is an error.</summary>
    public required Settings? Settings { get; init; }

    public required MainCf MainCf { get; init; }

    public required MasterCf MasterCf { get; init; }

    /// <summary>Errors and warnings of both files, main.cf's first.</summary>
    public required IReadOnlyList<ConfigProblem> Problems { get; init; }

    /// <summary>The services of master.cf that <c>master_service_disable</c> leaves.</summary>
    public required IReadOnlyList<MasterService> Services { get; init; }

    /// <summary>The settings that a service sees: its overrides first, and its own <c>service_name</c> and <c>process_name</c>.</summary>
    public static Settings ForService(Settings settings, MasterService service) =>
        settings.With([new("service_name", service.Name), new("process_name", service.Command), .. service.Overrides]);
}
