using Mta.Services.Clients;
using Mta.Storage;
using Mta.Storage.Maildrop;
using Npgsql;

namespace Mta.Services.Pickup;

/// <summary>
/// Moves the files of the spool directory into maildrop, each exactly once: its name is marked in the transaction that stores the message,
/// and forgotten when the file is gone for good. A crash in between leaves the mark, and the next round only removes the file.
/// </summary>
internal sealed class SpoolCollector(SpoolDirectory spool, PickupPorts ports, string tag)
{
    private static readonly TimeSpan UnfinishedAge = TimeSpan.FromDays(1);

    // Files that cannot be used stay for the administrator, and are not named again and again.
    private readonly HashSet<Guid> leftBehind = [];

    /// <summary>Ends early, throwing <see cref="StorageException"/>, when the database is away: the files wait.</summary>
    public async Task CollectAsync(CancellationToken cancellationToken)
    {
        foreach (var name in Names())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!leftBehind.Contains(name))
            {
                await CollectAsync(name, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    public void RemoveUnfinished() => spool.RemoveUnfinished(ports.Time.GetUtcNow() - UnfinishedAge);

    private Guid[] Names()
    {
        try
        {
            return [.. spool.Files()];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    private async Task CollectAsync(Guid name, CancellationToken cancellationToken)
    {
        try
        {
            using var file = spool.Open(name);
            if (file is null)
            {
                SetAside(name, "not a regular file of its own, or gone");
                return;
            }

            await ports.Writer.SubmitFileAsync(name, file.Submission, file.Content, cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidDataException e)
        {
            SetAside(name, e.Message);
            return;
        }
        catch (IOException e)
        {
            SetAside(name, e.Message);
            return;
        }
        catch (StorageException e) when (e.InnerException is PostgresException { SqlState: ['2', '2', ..] or ['2', '3', ..] } refusal)
        {
            SetAside(name, refusal.MessageText);
            return;
        }

        spool.Remove(name);
        await ports.Store.ForgetFileAsync(name, cancellationToken).ConfigureAwait(false);
    }

    private void SetAside(Guid name, string reason)
    {
        leftBehind.Add(name);
        ports.Log.Warning(tag, $"maildrop/{name.ToString("N")}: {reason}: left there");
    }
}
