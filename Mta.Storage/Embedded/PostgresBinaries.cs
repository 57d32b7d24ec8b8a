using System.Globalization;

namespace Mta.Storage.Embedded;

/// <summary>The server programs of one major version of PostgreSQL on this machine.</summary>
internal sealed record PostgresBinaries(string Directory, int Major)
{
    private static readonly string[] VersionedRoots = ["/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/postgresql"];

    public string InitDb => Path.Combine(Directory, "initdb");

    public string PgCtl => Path.Combine(Directory, "pg_ctl");

    public string Postgres => Path.Combine(Directory, "postgres");

    /// <summary>All versions that are installed, newest first.</summary>
    public static IReadOnlyList<PostgresBinaries> FindAll()
    {
        var found = new Dictionary<int, PostgresBinaries>();
        foreach (var root in VersionedRoots.Where(System.IO.Directory.Exists))
        {
            foreach (var version in System.IO.Directory.GetDirectories(root))
            {
                if (int.TryParse(Path.GetFileName(version), NumberStyles.None, CultureInfo.InvariantCulture, out var major))
                {
                    Add(found, Path.Combine(version, "bin"), major);
                }
            }
        }

        if (found.Count == 0)
        {
            // Not Debian's layout: the share directory beside the programs tells the version without running one.
            foreach (var directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/local/pgsql/bin").Where(d => d.Length > 0))
            {
                if (Complete(directory) && MajorOf(directory) is { } major)
                {
                    Add(found, directory, major);
                }
            }
        }

        return [.. found.Values.OrderByDescending(b => b.Major)];
    }

    private static void Add(Dictionary<int, PostgresBinaries> found, string directory, int major)
    {
        if (Complete(directory))
        {
            found.TryAdd(major, new PostgresBinaries(directory, major));
        }
    }

    private static bool Complete(string directory) =>
        File.Exists(Path.Combine(directory, "initdb")) && File.Exists(Path.Combine(directory, "pg_ctl")) && File.Exists(Path.Combine(directory, "postgres"));

    private static int? MajorOf(string directory)
    {
        var result = PostgresCommand.Run(Path.Combine(directory, "postgres"), ["--version"], user: null);
        var words = result.Output.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var digits = words.LastOrDefault(w => char.IsAsciiDigit(w[0]))?.Split('.')[0];
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var major) ? major : null;
    }
}
