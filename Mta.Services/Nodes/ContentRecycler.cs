using Mta.Services.Clients;
using Mta.Storage;
using Mta.Storage.Queue;

namespace Mta.Services.Nodes;

/// <summary>Empties the closed slots of new content, every few seconds, as any node may.</summary>
public sealed class ContentRecycler(ContentSlots slots, MailLog log, TimeProvider time)
{
    private const string Tag = "qmgr";

    // A quarter of a slot's time: a slot is copied and truncated soon after it may be.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>Runs until cancelled. A failure stops nothing: new content stays where it is until a later round.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        var failing = false;
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
            {
                try
                {
                    while (await slots.RecycleAsync(cancellationToken).ConfigureAwait(false))
                    {
                    }

                    if (failing)
                    {
                        log.Info(Tag, $"the space of new content in the database is recycled again");
                    }

                    failing = false;
                }
                catch (StorageException e)
                {
                    if (!failing)
                    {
                        log.Warning(Tag, $"the space of new content in the database is not recycled until this works again: {e.Message}");
                    }

                    failing = true;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }
}
