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
        var (result, unread) = await JudgeAsync(settings, masterCf.Services, cancellationToken).ConfigureAwait(false);
        if (unread is not null)
        {
            terminal.Warning($"parameters in SQL are not shown: {unread}");
        }

        foreach (var (row, problem) in result.Problems.Where(p => !settings.IsSet(p.Row.Name)))
        {
            terminal.Warning(Describe(row, problem));
        }

        return result.Settings;
    }

    /// <summary>What a node would say of the values of SQL with these files, and in <c>Unread</c> why they could not be read.</summary>
    public static async Task<(CheckedSettings Result, string? Unread)> JudgeAsync(
        Settings settings, IReadOnlyList<MasterService> services, CancellationToken cancellationToken)
    {
        try
        {
            if (Open(settings) is { } database)
            {
                var role = LocalUser.Current.IsPrivileged(settings.Get(Parameters.MailOwner)) ? DatabaseRole.Daemon : DatabaseRole.Submit;
                await using var source = database.CreateDataSource(role, "postconf", 1, c => c.Timeout = 2);
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                limit.CancelAfter(Limit);
                var values = await new ParameterStore(source).ReadValuesAsync(NodeName.Of(settings), limit.Token).ConfigureAwait(false);
                if (!values.IsEmpty)
                {
                    return (StoredParameterCheck.Apply(settings, services, values, StoredValues.None), null);
                }
            }

            return (new CheckedSettings(settings, []), null);
        }
        catch (Exception e) when (e is StorageException or SettingsException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return (new CheckedSettings(settings, []), e is OperationCanceledException ? "the database does not answer" : e.Message);
        }
    }

    /// <summary>A problem with the row that it is of.</summary>
    public static string Describe(StoredParameter row, string problem) => $"mta.parameter{(row.Node is null ? "" : $" (node {row.Node})")}: {problem}";

    /// <summary>The values as the bytes that they would be in a file.</summary>
    public static StoredValues AsBytes(StoredValues stored)
    {
        if (stored.IsEmpty)
        {
            return stored;
        }

        return stored.With(stored.Rows.ToDictionary(
            r => r.Key,
            r => (StoredParameter?)(r.Value with { Value = PostconfFile.AsBytes(r.Value.Value), ChangedBy = PostconfFile.AsBytes(r.Value.ChangedBy) }),
            StringComparer.Ordinal));
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
