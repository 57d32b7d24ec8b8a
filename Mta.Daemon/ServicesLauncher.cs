using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using Mta.Services.Master;
using Mta.Services.Net;

namespace Mta.Daemon;

/// <summary>
/// Starts the services process once no other one of this instance is left. Its lock goes to the process itself: as long as any
/// process holds the descriptor, also after master's death, the lock is taken.
/// </summary>
internal static class ServicesLauncher
{
    // A services process whose master died ends by itself in much less.
    private static readonly TimeSpan GraceForPredecessor = TimeSpan.FromSeconds(15);

    public static async Task<Process> StartAsync(
        InstanceFiles files, string configurationDirectory, string? user, SafeFileHandle control, bool foreground, CancellationToken cancellationToken)
    {
        using var processLock = Libc.OpenLockFile(files.ServicesLock);
        await TakeAsync(files, processLock, cancellationToken).ConfigureAwait(false);
        var process = ChildSpawner.StartServices(configurationDirectory, user, control, processLock, foreground);
        InstanceFiles.WritePid(processLock, process.Id);
        return process;
    }

    private static async Task TakeAsync(InstanceFiles files, SafeFileHandle processLock, CancellationToken cancellationToken)
    {
        if (Libc.TryLock(processLock))
        {
            return;
        }

        var waiting = Task.Run(() => Libc.Lock(processLock), cancellationToken);
        try
        {
            await waiting.WaitAsync(GraceForPredecessor, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            if (InstanceFiles.ReadPid(files.ServicesLock) is { } pid)
            {
                Libc.Signal(pid, Libc.SignalKill);
            }

            await waiting.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
