namespace Mta.Daemon;

/// <summary>
/// How the .NET runtime runs in each process. They are environment variables, because the processes are one program with
/// different needs; what the environment of master sets already is left as it is.
/// </summary>
internal static class RuntimeKnobs
{
    /// <summary>The services process: throughput within bounds of memory.</summary>
    public static readonly IReadOnlyDictionary<string, string> Services = new Dictionary<string, string>
    {
        // One heap: a heap for each core costs memory that a mail system does not need.
        ["DOTNET_gcServer"] = "0",
        ["DOTNET_gcConcurrent"] = "1",
        ["DOTNET_TieredPGO"] = "1",
        // Workers that spin before they sleep took a third to a half of all CPU: on a busy machine the peer and the database need it.
        ["DOTNET_ThreadPool_UnfairSemaphoreSpinLimit"] = "0",
    };

    /// <summary>Children that deliver as a user: short code, little memory, many of them.</summary>
    public static readonly IReadOnlyDictionary<string, string> Children = new Dictionary<string, string>
    {
        ["DOTNET_gcServer"] = "0",
        ["DOTNET_gcConcurrent"] = "0",
        ["DOTNET_GCHeapHardLimit"] = "0x8000000",
        ["DOTNET_TieredPGO"] = "0",
    };

    public static void Apply(IReadOnlyDictionary<string, string> knobs, IDictionary<string, string?> environment)
    {
        foreach (var (name, value) in knobs)
        {
            environment.TryAdd(name, value);
        }
    }
}
