using System.Globalization;
using Mta.Tools;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>
/// The programs under test: those of MTA_TEST_SBIN (a published <c>dist/sbin</c>), else those that were built with the tests, with a
/// link for each command as build.sh makes them.
/// </summary>
internal static class Programs
{
    private const string Prefix = "mta-e2e-";

    private static readonly Lazy<string> Directory = new(Make);

    /// <summary>The path of a command.</summary>
    public static string Command(string name) => Path.Combine(Directory.Value, name);

    /// <summary>A directory below /tmp, named after this process; what ended processes left is removed.</summary>
    public static string NewDirectory(string kind)
    {
        var path = Path.Combine(
            Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{kind}-{Random.Shared.Next():x8}"));
        System.IO.Directory.CreateDirectory(path);
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
        return path;
    }

    private static string Make()
    {
        RemoveAbandoned();
        if (Environment.GetEnvironmentVariable("MTA_TEST_SBIN") is { Length: > 0 } published)
        {
            return Path.GetFullPath(published);
        }

        // Copied, for the services run as a user who may not see our build directory.
        var root = NewDirectory("programs");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Remove(root);
        var lib = System.IO.Directory.CreateDirectory(Path.Combine(root, "lib")).FullName;
        foreach (var file in System.IO.Directory.GetFiles(AppContext.BaseDirectory))
        {
            File.Copy(file, Path.Combine(lib, Path.GetFileName(file)));
        }

        var runtimes = Path.Combine(AppContext.BaseDirectory, "runtimes");
        if (System.IO.Directory.Exists(runtimes))
        {
            File.CreateSymbolicLink(Path.Combine(lib, "runtimes"), runtimes);
        }

        var sbin = System.IO.Directory.CreateDirectory(Path.Combine(root, "sbin")).FullName;
        foreach (var name in CommandTable.Names)
        {
            File.CreateSymbolicLink(Path.Combine(sbin, name), "../lib/Mta.Tools");
        }

        return sbin;
    }

    private static void RemoveAbandoned()
    {
        foreach (var directory in System.IO.Directory.GetDirectories(Path.GetTempPath(), Prefix + "*"))
        {
            var owner = Path.GetFileName(directory)[Prefix.Length..].Split('-')[0];
            if (int.TryParse(owner, NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && !System.IO.Directory.Exists($"/proc/{pid}"))
            {
                MtaInstance.EndAbandoned(directory);
                Remove(directory);
            }
        }
    }

    private static void Remove(string directory)
    {
        try
        {
            System.IO.Directory.Delete(directory, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another user's, or still in use; the next run tries again.
        }
    }
}
