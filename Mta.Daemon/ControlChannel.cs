using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Mta.Services.Net;

namespace Mta.Daemon;

/// <summary>
/// The connection between master and the services process: packets that may carry descriptors, over a pair of sockets of which each
/// process has one end. A process that ends, however it ends, closes its end, and the other one knows at once.
/// </summary>
internal sealed class ControlChannel : IDisposable
{
    private const int MaxMessage = 65536;

    private static readonly byte[] More = new ControlMessage(ControlVerb.More).Encode();

    private readonly SafeFileHandle socket;
    private readonly Lock sending = new();
    private volatile bool disposed;

    public ControlChannel(SafeFileHandle socket) => this.socket = socket;

    /// <summary>Reads messages on a thread of its own, for a descriptor can only be received by a call that blocks.</summary>
    /// <param name="received">Owns the descriptors of the message.</param>
    /// <param name="closed">The other end is gone; not called when this one was disposed.</param>
    public void Listen(Action<ControlMessage> received, Action closed)
    {
        var thread = new Thread(() => Read(received, closed), maxStackSize: 256 * 1024) { IsBackground = true, Name = "control" };
        thread.Start();
    }

    /// <summary>False when the other end is gone.</summary>
    public bool Send(ControlMessage message)
    {
        var descriptors = new int[message.Descriptors.Count];
        for (var i = 0; i < descriptors.Length; i++)
        {
            descriptors[i] = (int)message.Descriptors[i].DangerousGetHandle();
        }

        try
        {
            lock (sending)
            {
                ReadOnlySpan<int> rest = descriptors;
                for (; rest.Length > Libc.MaxDescriptors; rest = rest[Libc.MaxDescriptors..])
                {
                    if (!Libc.SendMessage(socket, More, rest[..Libc.MaxDescriptors]))
                    {
                        return false;
                    }
                }

                return Libc.SendMessage(socket, message.Encode(), rest);
            }
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
        finally
        {
            foreach (SafeHandle handle in message.Descriptors)
            {
                GC.KeepAlive(handle);
            }
        }
    }

    public void Dispose()
    {
        disposed = true;
        if (!socket.IsClosed)
        {
            Libc.EndConnection(socket);
            socket.Dispose();
        }
    }

    private void Read(Action<ControlMessage> received, Action closed)
    {
        var buffer = new byte[MaxMessage];
        var descriptors = new List<SafeFileHandle>();
        try
        {
            while (true)
            {
                var length = Libc.ReceiveMessage(socket, buffer, descriptors);
                if (length == 0)
                {
                    break;
                }

                var message = ControlMessage.Decode(buffer.AsSpan(0, length), descriptors);
                if (message?.Verb == ControlVerb.More)
                {
                    continue;
                }

                if (message is not null)
                {
                    received(message);
                }
                else
                {
                    descriptors.ForEach(d => d.Dispose());
                }

                descriptors = [];
            }
        }
        catch (ObjectDisposedException)
        {
            // Closed by ourselves.
        }

        if (!disposed)
        {
            closed();
        }
    }
}
