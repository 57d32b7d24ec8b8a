using System.Globalization;
using Mta.Core.Config;
using Mta.Services.Net;
using Mta.Storage;
using Mta.Storage.Connections;
using Mta.Storage.Embedded;
using Npgsql;

namespace Mta.Tools;

/// <summary>A command's own connection to the database, for what it does without the daemon.</summary>
internal sealed class ToolDatabase : IAsyncDisposable
{
    private readonly ClusterUse? use;

    private ToolDatabase(DatabasePool source, ClusterUse? use)
    {
        Source = source;
        this.use = use;
    }

    public DatabasePool Source { get; }

    /// <summary>
    /// Connections in a role. Root and mail_owner start the embedded cluster when it is down; for others it is the socket's directory that
    /// decides. Nothing is connected yet when the cluster runs. Throws <see cref="StorageException"/>.
    /// </summary>
    public static async Task<ToolDatabase> OpenAsync(Settings settings, DatabaseRole role, string purpose, CancellationToken cancellationToken) =>
        await OpenAsync(settings, role, purpose, migrate: false, cancellationToken).ConfigureAwait(false);

    /// <param name="migrate">Brings the schema up to this program's version first, as a node does when it starts.</param>
    public static async Task<ToolDatabase> OpenAsync(Settings settings, DatabaseRole role, string purpose, bool migrate, CancellationToken cancellationToken)
    {
        if (!DatabaseUrl.TryParse(settings.Get(Parameters.DatabaseUrl), out var url, out var problem))
        {
            throw new StorageException(StorageFailure.Fatal, $"database_url: {problem}");
        }

        if (!url.IsEmbedded)
        {
            var database = Database.Connect(url);
            if (migrate)
            {
                await database.MigrateAsync(null, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await database.ChooseAsync(cancellationToken).ConfigureAwait(false);
            }

            return new ToolDatabase(database.CreateDataSource(role, purpose, 2), null);
        }

        var owner = settings.Get(Parameters.MailOwner);
        var cluster = new EmbeddedCluster(settings.Get(Parameters.DataDirectory), owner);
        if (!LocalUser.Current.IsPrivileged(owner))
        {
            return new ToolDatabase(cluster.Connect().CreateDataSource(role, purpose, 2), null);
        }

        var use = await cluster.StartAsync(cancellationToken).ConfigureAwait(false);
        if (use.Started || migrate)
        {
            // A cluster that was just made has no schema; one that was left by an older program is brought up to date.
            await use.Database.MigrateAsync(null, cancellationToken).ConfigureAwait(false);
        }

        return new ToolDatabase(use.Database.CreateDataSource(role, purpose, 2), use);
    }

    /// <summary>
    /// Connections for a look at a database that runs or does not: nothing is started, and no step takes longer than a few seconds. Throws
    /// <see cref="StorageException"/> for a URL that is none.
    /// </summary>
    public static async Task<ToolDatabase> LookAsync(Settings settings, DatabaseRole role, string purpose, int seconds, CancellationToken cancellationToken)
    {
        if (!DatabaseUrl.TryParse(settings.Get(Parameters.DatabaseUrl), out var url, out var problem))
        {
            throw new StorageException(StorageFailure.Fatal, $"database_url: {problem}");
        }

        var database = url.IsEmbedded ? new EmbeddedCluster(settings.Get(Parameters.DataDirectory), settings.Get(Parameters.MailOwner)).Connect() : Database.Connect(url);
        await database.ChooseAsync(cancellationToken).ConfigureAwait(false);
        return new ToolDatabase(
            database.CreateDataSource(
                role,
                purpose,
                1,
                connection =>
                {
                    connection.Timeout = seconds;
                    connection.CommandTimeout = seconds;
                    connection.CancellationTimeout = -1;
                }),
            null);
    }

    /// <summary>False for an embedded cluster that is down; a server is taken to be up.</summary>
    public static bool IsRunning(Settings settings) =>
        !DatabaseUrl.TryParse(settings.Get(Parameters.DatabaseUrl), out var url, out _) || !url.IsEmbedded
        || new EmbeddedCluster(settings.Get(Parameters.DataDirectory), settings.Get(Parameters.MailOwner)).IsRunning;

    /// <summary>True when the reason is who asks: the server does not let this user in, or not to that.</summary>
    public static bool IsRefused(Settings settings, StorageException e) =>
        e.InnerException is PostgresException { SqlState: PostgresErrorCodes.InvalidAuthorizationSpecification or PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InsufficientPrivilege }
        || IsSomebodyElses(settings);

    /// <summary>True for an embedded cluster that lets in its owner and root, and this user is neither.</summary>
    public static bool IsSomebodyElses(Settings settings) =>
        IsEmbedded(settings) && LocalUser.Current.Id != 0 && Libc.OwnerOf(settings.Get(Parameters.DataDirectory)) is { } owner && owner != LocalUser.Current.Id;

    /// <summary>What to say of a failure; of a refusal what helps against it, instead of how the server checks users.</summary>
    public static string Explain(Settings settings, StorageException e)
    {
        if (!IsRefused(settings, e))
        {
            return e.Message;
        }

        var user = LocalUser.Current.Name is { Length: > 0 } name ? name : LocalUser.Current.Id.ToString(CultureInfo.InvariantCulture);
        var owner = settings.Get(Parameters.MailOwner);
        return IsEmbedded(settings)
            ? $"user {user} may not look into the mail database: run this as root or as {owner}"
            : $"user {user} may not look into the mail database: run this as root or as {owner}, or let an administrator grant what database_url logs in as what it lacks ({(e.InnerException as PostgresException)?.MessageText})";
    }

    private static bool IsEmbedded(Settings settings) =>
        DatabaseUrl.TryParse(settings.Get(Parameters.DatabaseUrl), out var url, out _) && url.IsEmbedded;

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync().ConfigureAwait(false);
        use?.Dispose();
    }
}
