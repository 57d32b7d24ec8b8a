using System.Net.Sockets;
using System.Runtime.InteropServices;
using Mta.Services.Mailbox;

namespace Mta.Daemon;

/// <summary>deliver-child - the process that delivers as a user of the system. It ends when the services process closes its end.</summary>
internal static class DeliveryProcess
{
    public static async Task<int> RunAsync(DaemonArguments arguments)
    {
        if (arguments.Socket is not { } descriptor)
        {
            return 64;
        }

        Services.Net.Libc.SetInheritable(descriptor, false);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, c => c.Cancel = true);
        using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, c => c.Cancel = true);
        var handle = new SafeSocketHandle(descriptor.DangerousGetHandle(), ownsHandle: true);
        descriptor.SetHandleAsInvalid();
        await using var stream = new NetworkStream(new Socket(handle), ownsSocket: true);
        try
        {
            await DeliveryChild.RunAsync(stream, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
            return 0;
        }
        catch (IOException)
        {
            // The services process is gone, or broke off.
            return 1;
        }
    }
}
