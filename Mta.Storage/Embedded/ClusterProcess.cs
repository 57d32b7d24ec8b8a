using System.Globalization;

namespace Mta.Storage.Embedded;

/// <summary>Finds out whether the cluster runs. postmaster.pid alone does not tell: the number in it may belong to some other process by now.</summary>
internal static class ClusterProcess
{
    /// <summary>The postmaster's process id; null when it does not run. A server's working directory is its data directory.</summary>
    public static int? Find(string data) =>
        ReadPid(PidFile(data)) is { } pid && IsServerOf(pid, data) ? pid : null;

    /// <summary>True when the process is a server of this data directory.</summary>
    public static bool IsServerOf(int pid, string data)
    {
        try
        {
            return new FileInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cwd")).LinkTarget == Path.GetFullPath(data);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>True when any process of the cluster is left, for example backends that have not noticed yet that their postmaster was killed.</summary>
    public static bool AnyIn(string data) =>
        Directory.GetDirectories("/proc").Any(d => int.TryParse(Path.GetFileName(d), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && IsServerOf(pid, data));

    /// <summary>
    /// Removes lock files that name some other living process, or a dead one that nobody has waited for: PostgreSQL would refuse to
    /// start. Where the process is gone, or still a server of this directory, PostgreSQL judges better than we.
    /// </summary>
    public static void RemoveStaleLocks(string data, string socketDirectory)
    {
        foreach (var file in new[] { PidFile(data), Path.Combine(socketDirectory, ".s.PGSQL.5432.lock") })
        {
            if (ReadPid(file) is { } pid && Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}")) && !AnyIn(data))
            {
                File.Delete(file);
            }
        }
    }

    private static int? ReadPid(string file)
    {
        try
        {
            return int.TryParse(File.ReadLines(file).FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string PidFile(string data) => Path.Combine(data, "postmaster.pid");
}
