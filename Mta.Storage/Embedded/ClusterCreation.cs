using Mta.Storage.Connections;

namespace Mta.Storage.Embedded;

/// <summary>Makes the cluster: under a temporary name, renamed when all is there, so that a start that was cut off leaves nothing half done.</summary>
internal static class ClusterCreation
{
    public const string DatabaseName = "mta";

    public static void Create(PostgresBinaries binaries, string directory, string data, ClusterOwner owner)
    {
        var temporary = data + ".new";
        if (Directory.Exists(temporary))
        {
            Directory.Delete(temporary, recursive: true);
        }

        Require("initdb", PostgresCommand.Run(
            binaries.InitDb, ["-D", temporary, "-U", ClusterConfiguration.Superuser, "-A", "peer", "--locale=C.UTF-8", "-E", "UTF8", "-k"], owner.RunAs));
        ClusterConfiguration.Write(temporary, directory, owner);

        // Single-user mode takes a statement a line and needs no socket. Ordinary users may log in as mta_submit: they get a few connections.
        var statements = DatabaseRoles.All.Select(r => $"CREATE ROLE {r} LOGIN{(r == "mta_submit" ? " CONNECTION LIMIT 20" : "")}")
            .Append($"CREATE DATABASE {DatabaseName}")
            .Append($"REVOKE ALL ON DATABASE {DatabaseName} FROM PUBLIC")
            .Append($"GRANT CONNECT ON DATABASE {DatabaseName} TO {string.Join(", ", DatabaseRoles.All)}")
            .Append("ALTER ROLE mta_report SET statement_timeout = '10min'")
            .Append($"GRANT CREATE ON DATABASE {DatabaseName} TO mta_owner");
        var result = PostgresCommand.Run(
            binaries.Postgres, ["--single", "-j", "-D", temporary, "postgres"], owner.RunAs, string.Concat(statements.Select(s => s + ";\n\n")));
        Require("postgres --single", result);
        if (result.Output.Contains("ERROR:", StringComparison.Ordinal))
        {
            throw new StorageException(StorageFailure.Fatal, $"the embedded PostgreSQL cannot be made: {result.Output}");
        }

        Directory.Move(temporary, data);
    }

    /// <summary>The programs for the cluster that is there; a fatal error with the way out when they are not installed.</summary>
    public static PostgresBinaries BinariesFor(string directory, string data, ClusterOwner owner)
    {
        var installed = PostgresBinaries.FindAll();
        if (installed.Count == 0)
        {
            throw new StorageException(
                StorageFailure.Fatal, "database_url is embedded, and the PostgreSQL server programs are not installed: apt-get install postgresql");
        }

        var versionFile = Path.Combine(data, "PG_VERSION");
        if (!File.Exists(versionFile))
        {
            return installed[0];
        }

        var version = File.ReadAllText(versionFile).Trim();
        var newest = installed[0];
        return installed.FirstOrDefault(b => b.Major.ToString(System.Globalization.CultureInfo.InvariantCulture) == version)
            ?? throw new StorageException(
                StorageFailure.Fatal,
                $"the embedded cluster in {data} was made by PostgreSQL {version}, whose programs are not installed. "
                + $"Install them (apt-get install postgresql-{version}) to go on with it, or upgrade it to version {newest.Major} with: "
                + UpgradeCommand(directory, data, version, newest, owner));
    }

    private static string UpgradeCommand(string directory, string data, string version, PostgresBinaries newest, ClusterOwner owner)
    {
        var target = $"{data}.{newest.Major}";
        var asOwner = owner.RunAs is { } user ? $"runuser -u {user} -- " : "";
        return $"apt-get install postgresql-{version} && cd {directory}"
            + $" && {asOwner}{newest.InitDb} -D {target} -U {ClusterConfiguration.Superuser} --locale=C.UTF-8 -E UTF8 -k"
            + $" && {asOwner}{Path.Combine(newest.Directory, "pg_upgrade")} -U {ClusterConfiguration.Superuser}"
            + $" -b /usr/lib/postgresql/{version}/bin -B {newest.Directory} -d {data} -D {target}"
            + $" && mv {data} {data}.{version} && mv {target} {data}";
    }

    private static void Require(string program, PostgresCommandResult result)
    {
        if (result.ExitCode != 0)
        {
            throw new StorageException(StorageFailure.Fatal, $"the embedded PostgreSQL cannot be made: {program}: {result.Output}");
        }
    }
}
