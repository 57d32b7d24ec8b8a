using Mta.Core.Config;

namespace Mta.Services.Nodes;

/// <summary>The name of a node in the registry.</summary>
public static class NodeName
{
    /// <summary>node_name, or the host's name and the instance's.</summary>
    public static string Of(Settings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var name = settings.Get(Parameters.NodeName);
        if (name.Length > 0)
        {
            return name;
        }

        var host = settings.Get(Parameters.Myhostname);
        return settings.Get(Parameters.MultiInstanceName) is { Length: > 0 } instance ? host + "/" + instance : host;
    }
}
