using System.Globalization;
using Mta.Storage.Connections;

namespace Mta.Storage.Embedded;

/// <summary>
/// The configuration files of the embedded cluster. They are written anew before each start, so that they follow the program;
/// an administrator's own settings go into <c>custom.conf</c> beside them, which is read last and never written.
/// </summary>
internal static class ClusterConfiguration
{
    public const string Superuser = "postgres";

    private const long Megabyte = 1024 * 1024;

    public static void Write(string data, string socketDirectory, ClusterOwner owner)
    {
        Put(Path.Combine(data, "mta.conf"), Settings(socketDirectory), owner);
        Put(Path.Combine(data, "pg_hba.conf"), HostBasedAuthentication, owner);
        Put(Path.Combine(data, "pg_ident.conf"), IdentMap(owner.Name), owner);
        var main = Path.Combine(data, "postgresql.conf");
        var text = File.ReadAllText(main);
        const string include = "include = 'mta.conf'\ninclude_if_exists = 'custom.conf'\n";
        if (!text.EndsWith(include, StringComparison.Ordinal))
        {
            Put(main, text + "\n" + include, owner);
        }
    }

    private static string Settings(string socketDirectory) => string.Create(CultureInfo.InvariantCulture, $"""
        # Written by the mail system at each start. Own settings: custom.conf, in this directory.
        cluster_name = 'mta'
        listen_addresses = ''
        unix_socket_directories = '{socketDirectory.Replace("'", "''", StringComparison.Ordinal)}'
        # pg_hba.conf decides who gets in; ordinary users get as far as putting mail into maildrop.
        unix_socket_permissions = 0777
        max_connections = 100

        # Accepted mail is on disk before the client hears so.
        fsync = on
        synchronous_commit = on
        full_page_writes = on

        shared_buffers = {SharedBuffers() / Megabyte}MB
        wal_buffers = 16MB
        # Segments are used again instead of made anew; checkpoints are far apart and spread.
        min_wal_size = 256MB
        max_wal_size = 2GB
        checkpoint_timeout = 15min
        checkpoint_completion_target = 0.9
        # The processor is what a mail system runs out of first.
        wal_compression = off
        jit = off
        random_page_cost = 1.1
        max_logical_replication_workers = 0

        # A queue makes dead rows all day: clean often and not timidly.
        autovacuum_naptime = 15s
        autovacuum_vacuum_cost_limit = 2000

        log_min_messages = warning
        log_line_prefix = '%m [%p] %q%u@%d '

        """);

    // No password anywhere: the kernel says who is at the other end of the socket.
    private const string HostBasedAuthentication = """
        # Written by the mail system at each start.
        local all mta_submit peer map=submit
        local all all        peer map=mta

        """;

    private static string IdentMap(string owner)
    {
        var users = owner == "root" ? new[] { "root" } : ["root", owner];
        var lines = users.SelectMany(user => DatabaseRoles.All.Prepend(Superuser).Select(role => $"mta {Quote(user)} {role}\n"));
        return "# Written by the mail system at each start.\n" + string.Concat(lines) + "submit /^.*$ mta_submit\n";
    }

    private static string Quote(string user) => user.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') ? user : $"\"{user}\"";

    // An eighth of the memory that this process may use (containers included); the kernel's cache does the rest.
    private static long SharedBuffers() => Math.Clamp(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8, 32 * Megabyte, 512 * Megabyte);

    private static void Put(string path, string text, ClusterOwner owner)
    {
        if (File.Exists(path) && File.ReadAllText(path) == text)
        {
            return;
        }

        var temporary = path + ".new";
        File.WriteAllText(temporary, text);
        File.SetUnixFileMode(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        if (owner.RunAs is not null)
        {
            Native.Chown(temporary, owner.Uid, owner.Gid);
        }

        File.Move(temporary, path, overwrite: true);
    }
}
