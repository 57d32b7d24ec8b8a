using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mta.Services.Net;

/// <summary>What the C library can do and .NET cannot. Struct layouts are those that are the same on all architectures of Linux.</summary>
internal static partial class Libc
{
    private const string Library = "libc";
    private const int OpenWriteOnly = 1;
    private const int OpenCreate = 0x40;
    private const int OpenAppendMode = 0x400;
    private const int OpenCloseOnExec = 0x80000;
    private const int AtCurrentDirectory = -100;
    private const int AtEmptyPath = 0x1000;
    private const uint StatxOwner = 0x8;
    private const uint StatxInode = 0x100;
    private const int Interrupted = 4;

    /// <summary>Null on failure; see <see cref="LastError"/>.</summary>
    public static SafeFileHandle? OpenAppend(string path, int mode)
    {
        var descriptor = Open(path, OpenWriteOnly | OpenCreate | OpenAppendMode | OpenCloseOnExec, mode);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>True when the path still names the file that is open.</summary>
    public static bool IsSameFile(SafeFileHandle handle, string path)
    {
        var opened = default(StatxBuffer);
        var named = default(StatxBuffer);
        return Statx((int)handle.DangerousGetHandle(), "", AtEmptyPath, StatxInode, ref opened) == 0
            && Statx(AtCurrentDirectory, path, 0, StatxInode, ref named) == 0
            && opened.Inode == named.Inode
            && opened.DeviceMajor == named.DeviceMajor
            && opened.DeviceMinor == named.DeviceMinor;
    }

    /// <summary>The user id that a file belongs to; null when it cannot be seen.</summary>
    public static uint? OwnerOf(string path)
    {
        var named = default(StatxBuffer);
        return Statx(AtCurrentDirectory, path, 0, StatxOwner, ref named) == 0 ? named.Uid : null;
    }

    /// <summary>False when not all could be written; the reason is in <see cref="LastError"/>.</summary>
    public static bool WriteAll(SafeFileHandle handle, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var written = Write(handle, bytes, bytes.Length);
            if (written >= 0)
            {
                bytes = bytes[(int)written..];
            }
            else if (Marshal.GetLastPInvokeError() != Interrupted)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The error of the last call of this thread, as an exception.</summary>
    public static IOException LastError(string what)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"{what}: {Marshal.GetPInvokeErrorMessage(error)}", new Win32Exception(error));
    }

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(SafeFileHandle handle, ReadOnlySpan<byte> bytes, nint length);

    [LibraryImport(Library, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int directory, string path, int flags, uint mask, ref StatxBuffer buffer);

    // struct statx of linux/stat.h: fixed by the kernel, 256 bytes.
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct StatxBuffer
    {
        [FieldOffset(20)]
        public uint Uid;

        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(136)]
        public uint DeviceMajor;

        [FieldOffset(140)]
        public uint DeviceMinor;
    }
}
