using Mta.Core.Config;
using Mta.Services.Configuration;
using Mta.Services.Nodes;
using Mta.Storage;
using Mta.Storage.Configuration;
using Mta.Storage.Connections;
using Mta.Storage.Embedded;

namespace Mta.Tools;

/// <summary>Reads the values of <c>mta.parameter</c> for the node of a configuration, within a bounded time and without starting anything.</summary>
internal static class PostconfDatabase
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    /// <summary>The settings with the values of SQL that the node takes; without them, after a warning, where they cannot be read.</summary>
    public static async Task<Settings> AddStoredAsync(Terminal terminal, Settings settings, MasterCf masterCf, CancellationToken cancellationToken)
    {
        try
        {
            if (Open(settings) is not { } database)
            {
                return settings;
            }

            var role = LocalUser.Current.IsPrivileged(settings.Get(Parameters.MailOwner)) ? DatabaseRole.Daemon : DatabaseRole.Submit;
            await using var source = database.CreateDataSource(role, "postconf", 1, c => c.Timeout = 2);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(Limit);
            var values = await new ParameterStore(source).ReadValuesAsync(NodeName.Of(settings), limit.Token).ConfigureAwait(false);
            if (values.IsEmpty)
            {
                return settings;
            }

            var result = StoredParameterCheck.Apply(settings, masterCf.Services, values, StoredValues.None);
            foreach (var (row, problem) in result.Problems.Where(p => !settings.IsSet(p.Row.Name)))
            {
                terminal.Warning($"mta.parameter{(row.Node is null ? "" : $" (node {row.Node})")}: {problem}");
            }

            return result.Settings;
        }
        catch (Exception e) when (e is StorageException or SettingsException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            terminal.Warning($"parameters in SQL are not shown: {(e is OperationCanceledException ? "the database does not answer" : e.Message)}");
            return settings;
        }
    }

    /// <summary>Null where there are none for sure: an embedded cluster that was never made.</summary>
    private static Database? Open(Settings settings)
    {
        if (!DatabaseUrl.TryParse(settings.Get(Parameters.DatabaseUrl), out var url, out var problem))
        {
            throw new StorageException(StorageFailure.Fatal, $"database_url: {problem}");
        }

        if (!url.IsEmbedded)
        {
            return Database.Connect(url);
        }

        var cluster = new EmbeddedCluster(settings.Get(Parameters.DataDirectory), settings.Get(Parameters.MailOwner));
        return Directory.Exists(cluster.Directory) ? cluster.Connect() : null;
    }
}
