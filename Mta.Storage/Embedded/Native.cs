using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mta.Storage.Embedded;

/// <summary>The few calls of the C library that the embedded cluster needs.</summary>
internal static partial class Native
{
    private const int LockShared = 1;
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;
    private const int LockRelease = 8;

    /// <summary>Opens or makes a lock file. FileStream would take a lock of its own on it.</summary>
    public static SafeFileHandle OpenLockFile(string path)
    {
        const int readWriteCreateCloseOnExec = 2 | 0x40 | 0x80000;
        var descriptor = Open(path, readWriteCreateCloseOnExec, 0x180 /* 0600 */);
        return descriptor >= 0
            ? new SafeFileHandle(descriptor, ownsHandle: true)
            : throw new IOException($"open {path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
    }

    public static bool TryLockExclusive(SafeFileHandle handle) => Flock(handle, LockExclusive | LockNonBlocking) == 0;

    /// <summary>Waits for the lock, on a thread that may block.</summary>
    public static Task LockExclusiveAsync(SafeFileHandle handle, CancellationToken cancellationToken) => Task.Run(() => Wait(handle, LockExclusive), cancellationToken);

    public static Task LockSharedAsync(SafeFileHandle handle, CancellationToken cancellationToken) => Task.Run(() => Wait(handle, LockShared), cancellationToken);

    public static void Unlock(SafeFileHandle handle) => _ = Flock(handle, LockRelease);

    /// <summary>Gives a file to a user and group.</summary>
    public static void Chown(string path, uint uid, uint gid)
    {
        if (ChangeOwner(path, uid, gid) != 0)
        {
            throw new IOException($"chown {path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        }
    }

    private static void Wait(SafeFileHandle handle, int operation)
    {
        const int interrupted = 4;
        while (Flock(handle, operation) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error != interrupted)
            {
                throw new IOException($"flock: {Marshal.GetPInvokeErrorMessage(error)}");
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(SafeFileHandle handle, int operation);

    [LibraryImport("libc", EntryPoint = "chown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, uint uid, uint gid);
}
