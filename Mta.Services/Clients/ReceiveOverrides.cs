using Mta.Core.Config;
using Mta.Core.Lookup;

namespace Mta.Services.Clients;

/// <summary>receive_override_options, content_filter and cleanup_service_name of a service that takes mail: what it and cleanup(8) do not do with it.</summary>
public sealed class ReceiveOverrides
{
    private ReceiveOverrides(Settings settings)
    {
        CleanupService = settings.Get(Parameters.CleanupServiceName);
        ContentFilter = settings.Get(Parameters.ContentFilter).Trim() is { Length: > 0 } filter ? filter : null;
        foreach (var option in new ListTokens(settings.Get(Parameters.ReceiveOverrideOptions)))
        {
            switch (option)
            {
                case "no_unknown_recipient_checks":
                    ChecksRecipients = false;
                    break;
                case "no_address_mappings":
                    MapsAddresses = false;
                    break;
                case "no_header_body_checks":
                    ChecksContent = false;
                    break;
                case "no_milters":
                    break;
                default:
                    Unknown = $"unknown {Parameters.ReceiveOverrideOptions.Name} value \"{option}\" in \"{settings.Get(Parameters.ReceiveOverrideOptions)}\"";
                    break;
            }
        }
    }

    /// <summary>False with no_unknown_recipient_checks.</summary>
    public bool ChecksRecipients { get; } = true;

    /// <summary>False with no_address_mappings.</summary>
    public bool MapsAddresses { get; } = true;

    /// <summary>False with no_header_body_checks.</summary>
    public bool ChecksContent { get; } = true;

    /// <summary>transport:nexthop; null for none.</summary>
    public string? ContentFilter { get; }

    /// <summary>cleanup_service_name.</summary>
    public string CleanupService { get; }

    /// <summary>What is wrong with the parameter; null when nothing is.</summary>
    public string? Unknown { get; }

    public static ReceiveOverrides From(Settings settings) => new(settings);
}
