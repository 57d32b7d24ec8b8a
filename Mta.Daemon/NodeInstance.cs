using System.Security.Cryptography;
using Mta.Core.Config;
using Mta.Services.Nodes;
using Mta.Storage.Nodes;

namespace Mta.Daemon;

/// <summary>Who this node is: its name in the registry, and the secret of its data directory that proves it after a restart.</summary>
internal static class NodeInstance
{
    public static NodeIdentity Identify(Settings settings) => new(
        NodeName.Of(settings),
        Secret(settings.Get(Parameters.DataDirectory)),
        Environment.MachineName,
        Environment.ProcessId,
        typeof(NodeInstance).Assembly.GetName().Version?.ToString(3) ?? "0");

    /// <summary>Made once for each data directory, whose lock master holds.</summary>
    private static string Secret(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, "node_instance");
        if (File.Exists(path) && File.ReadAllText(path).Trim() is { Length: > 0 } known)
        {
            return known;
        }

        var secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var fresh = path + ".new";
        using (var file = new FileStream(fresh, new FileStreamOptions
        {
            Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        using (var writer = new StreamWriter(file))
        {
            writer.WriteLine(secret);
            writer.Flush();
            file.Flush(flushToDisk: true);
        }

        File.Move(fresh, path, overwrite: true);
        return secret;
    }
}
