using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mta.Services.Net;

/// <summary>Pairs of sockets, and descriptors sent over them.</summary>
internal static partial class Libc
{
    private const int FamilyUnix = 1;
    private const int TypeStream = 1;
    private const int TypeSequencedPacket = 5;
    private const int TypeCloseOnExec = 0x80000;
    private const int ShutdownBoth = 2;
    private const int LevelSocket = 1;
    private const int RightsMessage = 1;
    private const int MessageNoSignal = 0x4000;
    private const int MessageCloseOnExec = 0x40000000;

    /// <summary>The most descriptors of one message: SCM_MAX_FD of the kernel.</summary>
    public const int MaxDescriptors = 253;

    private const int ControlHeader = 16;

    /// <summary>Two connected sockets, closed on exec. Sequenced packets keep the bounds of messages; a stream does not.</summary>
    public static (SafeFileHandle One, SafeFileHandle Other) SocketPair(bool packets)
    {
        Span<int> ends = stackalloc int[2];
        return SocketPair(FamilyUnix, (packets ? TypeSequencedPacket : TypeStream) | TypeCloseOnExec, 0, ends) == 0
            ? (new SafeFileHandle(ends[0], ownsHandle: true), new SafeFileHandle(ends[1], ownsHandle: true))
            : throw LastError("socketpair");
    }

    /// <summary>Sends one message with descriptors; false when the other end is gone.</summary>
    public static unsafe bool SendMessage(SafeHandle socket, ReadOnlySpan<byte> message, ReadOnlySpan<int> descriptors)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(descriptors.Length, MaxDescriptors);
        var control = stackalloc byte[ControlSpace(descriptors.Length)];
        fixed (byte* bytes = message)
        {
            var vector = new IoVector { Base = bytes, Length = (nuint)message.Length };
            var header = new MessageHeader { Vector = &vector, VectorLength = 1 };
            if (descriptors.Length > 0)
            {
                // struct cmsghdr: length (size_t), level, type, then the data.
                *(nuint*)control = (nuint)(ControlHeader + (descriptors.Length * sizeof(int)));
                ((int*)control)[2] = LevelSocket;
                ((int*)control)[3] = RightsMessage;
                descriptors.CopyTo(new Span<int>(control + ControlHeader, descriptors.Length));
                header.Control = control;
                header.ControlLength = (nuint)ControlSpace(descriptors.Length);
            }

            nint sent;
            do
            {
                sent = SendMsg(socket, &header, MessageNoSignal);
            }
            while (sent < 0 && Marshal.GetLastPInvokeError() == Interrupted);

            return sent >= 0;
        }
    }

    /// <summary>Waits for one message; 0 when the other end is gone. The descriptors are closed on exec and belong to the caller.</summary>
    public static unsafe int ReceiveMessage(SafeHandle socket, Span<byte> message, List<SafeFileHandle> descriptors)
    {
        var control = stackalloc byte[ControlSpace(MaxDescriptors)];
        fixed (byte* bytes = message)
        {
            var vector = new IoVector { Base = bytes, Length = (nuint)message.Length };
            var header = new MessageHeader { Vector = &vector, VectorLength = 1, Control = control, ControlLength = (nuint)ControlSpace(MaxDescriptors) };
            nint received;
            do
            {
                received = RecvMsg(socket, &header, MessageCloseOnExec);
            }
            while (received < 0 && Marshal.GetLastPInvokeError() == Interrupted);

            if (received <= 0)
            {
                return 0;
            }

            if (header.ControlLength >= ControlHeader && ((int*)control)[2] == LevelSocket && ((int*)control)[3] == RightsMessage)
            {
                var count = (int)(*(nuint*)control - ControlHeader) / sizeof(int);
                foreach (var descriptor in new ReadOnlySpan<int>(control + ControlHeader, count))
                {
                    descriptors.Add(new SafeFileHandle(descriptor, ownsHandle: true));
                }
            }

            return (int)received;
        }
    }

    /// <summary>Ends both directions, also for a thread that waits in <see cref="ReceiveMessage"/>; closing the handle alone would wait for that thread.</summary>
    public static void EndConnection(SafeHandle socket) => _ = Shutdown(socket, ShutdownBoth);

    // CMSG_SPACE: the header and the data, each rounded up to the size of a pointer.
    private static int ControlSpace(int descriptors) => ControlHeader + (((descriptors * sizeof(int)) + 7) & ~7);

    [LibraryImport(Library, EntryPoint = "socketpair", SetLastError = true)]
    private static partial int SocketPair(int family, int type, int protocol, Span<int> ends);

    [LibraryImport(Library, EntryPoint = "shutdown", SetLastError = true)]
    private static partial int Shutdown(SafeHandle socket, int how);

    [LibraryImport(Library, EntryPoint = "sendmsg", SetLastError = true)]
    private static unsafe partial nint SendMsg(SafeHandle socket, MessageHeader* header, int flags);

    [LibraryImport(Library, EntryPoint = "recvmsg", SetLastError = true)]
    private static unsafe partial nint RecvMsg(SafeHandle socket, MessageHeader* header, int flags);

    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct IoVector
    {
        public byte* Base;
        public nuint Length;
    }

    // struct msghdr of 64-bit Linux.
    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public IoVector* Vector;
        public nuint VectorLength;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }
}
