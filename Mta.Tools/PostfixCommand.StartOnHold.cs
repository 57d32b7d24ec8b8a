using System.Globalization;
using Mta.Services.Clients;
using Mta.Storage;
using Mta.Storage.Admin;
using Mta.Storage.Connections;

namespace Mta.Tools;

internal sealed partial class PostfixCommand
{
    /// <summary>
    /// The first start after the database was restored from a backup: what the backup holds may have gone out since, so that all of it is set
    /// aside before anything is delivered. New mail is taken and delivered as always.
    /// </summary>
    private async Task<int> StartOnHoldAsync(CancellationToken cancellationToken)
    {
        if (files.RunningMaster() is not null)
        {
            return await SayAsync(LogSeverity.Fatal, "the Postfix mail system is already running").ConfigureAwait(false);
        }

        try
        {
            await using var database = await ToolDatabase.OpenAsync(settings, DatabaseRole.Admin, "postfix", migrate: true, cancellationToken).ConfigureAwait(false);
            var held = await new QueueAdministration(database.Source, LocalUser.Current.Name).HoldRestoredAsync(cancellationToken).ConfigureAwait(false);
            await SayAsync(LogSeverity.Info, string.Create(
                CultureInfo.InvariantCulture,
                $"set aside {held} messages of the restored queue: look at mta.hold and mta.maildrop, delete what had gone out, release the rest with postsuper -H")).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            return await SayAsync(LogSeverity.Fatal, $"nothing was set aside and nothing is started: {e.Message}").ConfigureAwait(false);
        }

        return await StartAsync(cancellationToken).ConfigureAwait(false);
    }
}
