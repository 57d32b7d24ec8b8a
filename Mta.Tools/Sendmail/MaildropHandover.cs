using System.Net.Sockets;
using Mta.Core.Config;
using Mta.Services.Net;
using Mta.Services.Clients;
using Mta.Storage;
using Mta.Storage.Connections;
using Mta.Storage.Maildrop;
using Npgsql;

namespace Mta.Tools.Sendmail;

/// <summary>Hands a message to the mail system: to maildrop in the database, or to the spool directory while the database is away.</summary>
internal static class MaildropHandover
{
    // Somebody waits for the command to end; the spool is as safe.
    private static readonly TimeSpan DatabaseLimit = TimeSpan.FromSeconds(30);

    /// <summary>Null when the message is stored for good; else why it is not.</summary>
    public static async Task<string?> StoreAsync(Settings settings, Submission submission, Func<Stream> open, CancellationToken cancellationToken)
    {
        try
        {
            await StoreInDatabaseAsync(settings, submission, open, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e) when (e.InnerException is PostgresException reason && IsRefusal(reason))
        {
            return StorageErrors.IsDiskFull(reason) ? $"queue file write error: {reason.MessageText}" : reason.Message;
        }
        catch (Exception e) when (e is StorageException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            // Whatever the database's trouble is: the message is safe in the spool, and pickup takes it when the trouble is over.
            try
            {
                await using var content = open();
                await SpoolDirectory.In(settings.Get(Parameters.QueueDirectory)).WriteAsync(submission, content, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception spool) when (spool is IOException or UnauthorizedAccessException)
            {
                return $"{spool.Message} (and {e.Message})";
            }
        }

        await WakePickupAsync(settings.Get(Parameters.QueueDirectory), cancellationToken).ConfigureAwait(false);
        return null;
    }

    private static async Task StoreInDatabaseAsync(Settings settings, Submission submission, Func<Stream> open, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(DatabaseLimit);
        await using var database = await ToolDatabase.OpenAsync(settings, DatabaseRole.Submit, "sendmail", limit.Token).ConfigureAwait(false);
        await using var content = open();
        await new MaildropWriter(database.Source).SubmitAsync(submission, content, limit.Token).ConfigureAwait(false);
    }

    // What the database's own checks refuse, the spool would only delay. For want of room the sender tries again, as any client: what is
    // spooled meanwhile would be one more store that fills up.
    private static bool IsRefusal(PostgresException reason) => reason.SqlState is ['2', '2', ..] or ['2', '3', ..] || StorageErrors.IsDiskFull(reason);

    /// <summary>Saves the message the second that passes until pickup looks by itself.</summary>
    private static async Task WakePickupAsync(string queueDirectory, CancellationToken cancellationToken)
    {
        try
        {
            using var socket = await LocalEndpoint.ConnectAsync(LocalEndpoint.Path(queueDirectory, "pickup"), cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException)
        {
            // The mail system is down; it looks when it starts.
        }
    }
}
