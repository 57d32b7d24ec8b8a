using Mta.Storage.Migrations;
using Npgsql;

namespace Mta.Storage.Connections;

/// <summary>
/// The database that the services work with: makes data sources for each purpose (accept, complete, claim, lookups), each with its own
/// small pool, all with the same defaults and logged in as the right role.
/// </summary>
public sealed class Database : IAsyncDisposable
{
    private const string ServerKeepalives = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=4 -c tcp_user_timeout=30000";

    private readonly NpgsqlConnectionStringBuilder login;
    private readonly TargetSessionAttributes? target;
    private readonly bool rolesLogIn;
    private readonly PrimaryWatch? watch;

    private Database(NpgsqlConnectionStringBuilder login, TargetSessionAttributes? target, bool rolesLogIn, string? localDirectory = null)
    {
        LocalDirectory = localDirectory;
        this.login = login;
        this.target = target;
        this.rolesLogIn = rolesLogIn;
        ApplyDefaults(login);
        if (target is TargetSessionAttributes.Primary or TargetSessionAttributes.ReadWrite && login.Host!.Contains(',', StringComparison.Ordinal))
        {
            watch = new PrimaryWatch(DatabaseHosts.Split(login), target is TargetSessionAttributes.ReadWrite);
        }
    }

    /// <summary>True once it is known that the roles exist: then services work as the daemon role, not as the role that the URL names.</summary>
    public bool SeparateRoles { get; private set; }

    /// <summary>The data directory of a server on this machine, as far as it is known after a migration; null for others.</summary>
    public string? LocalDirectory { get; private set; }

    /// <summary>A server that the URL names.</summary>
    public static Database Connect(DatabaseUrl url) => new(url.ToConnection(), url.Target, rolesLogIn: false);

    /// <summary>A connection string as it is, for tests.</summary>
    public static Database Connect(string connectionString) => new(new NpgsqlConnectionStringBuilder(connectionString), null, rolesLogIn: false);

    /// <summary>The embedded cluster: every role may log in there, as the users of the system that its ident map names.</summary>
    internal static Database Embedded(NpgsqlConnectionStringBuilder login, string data) => new(login, null, rolesLogIn: true, data);

    /// <summary>Brings the schema up to date and finds out about the roles. Throws <see cref="StorageException"/>.</summary>
    public async Task<SchemaState> MigrateAsync(Action<string>? warn, CancellationToken cancellationToken)
    {
        await ChooseAsync(cancellationToken).ConfigureAwait(false);
        var state = await new SchemaMigrator(Chosen().ConnectionString, warn, target: target).MigrateAsync(cancellationToken).ConfigureAwait(false);
        SeparateRoles = state.SeparateRoles;
        LocalDirectory ??= await FindDirectoryAsync(cancellationToken).ConfigureAwait(false);
        return state;
    }

    /// <summary>Looks at schema and roles without changing anything. Throws <see cref="StorageException"/>.</summary>
    public async Task<SchemaState> ReadSchemaAsync(CancellationToken cancellationToken)
    {
        await ChooseAsync(cancellationToken).ConfigureAwait(false);
        var state = await new SchemaMigrator(Chosen().ConnectionString, target: target).ReadAsync(cancellationToken).ConfigureAwait(false);
        SeparateRoles = state.SeparateRoles;
        return state;
    }

    /// <summary>
    /// Finds out which of several servers takes writes; a migration and a look at the schema begin with it. Throws <see cref="StorageException"/>
    /// when none does.
    /// </summary>
    public async Task ChooseAsync(CancellationToken cancellationToken)
    {
        if (watch is not null && await watch.ChooseAsync(cancellationToken).ConfigureAwait(false) is (false, var problem))
        {
            throw new StorageException(StorageFailure.Retry, problem);
        }
    }

    /// <summary>From now on every pool follows a fail-over, until the database is disposed.</summary>
    /// <param name="warn">Takes what an administrator should know.</param>
    public void FollowPrimary(Action<string> warn) => watch?.Follow(warn);

    /// <summary>True when the URL names several servers and one that takes writes is wanted.</summary>
    public bool HasSeveralHosts => watch is not null;

    public ValueTask DisposeAsync() => watch?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>A pool whose connections work as <paramref name="role"/>; the caller disposes it.</summary>
    /// <param name="role">Counts only where <see cref="SeparateRoles"/>, or for the embedded cluster; else all work as the login role.</param>
    /// <param name="purpose">Shown as application_name <c>mta purpose</c>.</param>
    /// <param name="connections">The size of the pool.</param>
    /// <param name="configure">Further settings of the connections (prepared statements, time limits).</param>
    public DatabasePool CreateDataSource(DatabaseRole role, string purpose, int connections, Action<NpgsqlConnectionStringBuilder>? configure = null)
    {
        var servers = watch is null ? [login] : DatabaseHosts.Split(login);
        return new DatabasePool([.. servers.Select(s => MakeSource(s, role, purpose, connections, configure))], watch);
    }

    private NpgsqlDataSource MakeSource(
        NpgsqlConnectionStringBuilder server, DatabaseRole role, string purpose, int connections, Action<NpgsqlConnectionStringBuilder>? configure)
    {
        var connection = new NpgsqlConnectionStringBuilder(server.ConnectionString) { MaxPoolSize = connections, MinPoolSize = 0 };
        connection.ApplicationName ??= "mta " + purpose;
        AssumeRole(connection, role);
        configure?.Invoke(connection);
        var builder = new NpgsqlDataSourceBuilder(connection.ConnectionString);

        // A server that has become a standby refuses writes by itself: the watch asks for the rest.
        return target is { } attributes && watch is null ? builder.BuildMultiHost().WithTargetSession(attributes) : builder.Build();
    }

    private NpgsqlConnectionStringBuilder Chosen() => watch is null ? login : DatabaseHosts.Split(login)[watch.Current];

    // Behind a Unix socket the server's files are on this machine. Who may not know where gets no row.
    private async Task<string?> FindDirectoryAsync(CancellationToken cancellationToken)
    {
        if (!login.Host!.StartsWith('/') || login.Host.Contains(',', StringComparison.Ordinal))
        {
            return null;
        }

        try
        {
            await using var source = CreateDataSource(DatabaseRole.Login, "start", 1);
            await using var command = source.CreateCommand("SELECT setting FROM pg_settings WHERE name = 'data_directory'");
            return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) as string;
        }
        catch (Exception e) when (StorageErrors.IsDatabaseFailure(e))
        {
            throw StorageErrors.Map(e);
        }
    }

    private void AssumeRole(NpgsqlConnectionStringBuilder connection, DatabaseRole role)
    {
        if (DatabaseRoles.Name(role) is not { } name)
        {
            return;
        }

        if (rolesLogIn)
        {
            connection.Username = name;
        }
        else if (SeparateRoles)
        {
            // A start-up option, not SET ROLE: it needs no round trip and is the session's own default.
            connection.Options = $"{connection.Options} -c role={name}".Trim();
        }
    }

    private static void ApplyDefaults(NpgsqlConnectionStringBuilder connection)
    {
        // A server that has vanished is noticed within 15 s, which is a lease by default, also where nothing is sent (Linux sends nine probes).
        // A Unix socket refuses these options.
        if (!connection.Host!.Split(',').Any(h => h.StartsWith('/')))
        {
            SetUnlessGiven(connection, "Tcp Keepalive", true);
            SetUnlessGiven(connection, "Tcp Keepalive Time", 5);
            SetUnlessGiven(connection, "Tcp Keepalive Interval", 1);

            // The server, too, is to notice within half a minute that a node has vanished, and to give its connections back. It finds out when
            // it writes, after a commit: none is broken by it. What the URL says comes later and counts.
            connection.Options = $"{ServerKeepalives} {connection.Options}".TrimEnd();
        }

        SetUnlessGiven(connection, "Host Recheck Seconds", 10);
        // Seconds to connect to one host, twice where TLS is only preferred. Of several one may be dead without saying so: it is left alone for
        // ten seconds then (Host Recheck Seconds), and a heartbeat, which has a third of the lease, reaches the next.
        SetUnlessGiven(connection, "Timeout", connection.Host!.Contains(',', StringComparison.Ordinal) ? 2 : 5);
        SetUnlessGiven(connection, "Command Timeout", 30);
        // Nothing of ours leaves state behind in a session, so that the DISCARD ALL before each reuse would be waste.
        SetUnlessGiven(connection, "No Reset On Close", true);
        SetUnlessGiven(connection, "Enlist", false);
        // Who wants Kerberos says so; else every attempt that fails is made twice, with GSS encryption and without.
        SetUnlessGiven(connection, "GSS Encryption Mode", GssEncryptionMode.Disable);
    }

    private static void SetUnlessGiven(NpgsqlConnectionStringBuilder connection, string keyword, object value)
    {
        if (!connection.ShouldSerialize(keyword))
        {
            connection[keyword] = value;
        }
    }
}
