using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mta.Services.Net;

/// <summary>Processes, sessions, descriptors and locks.</summary>
internal static partial class Libc
{
    public const int SignalHangup = 1;
    public const int SignalQuit = 3;
    public const int SignalKill = 9;
    public const int SignalTerminate = 15;

    private const int OpenReadWrite = 2;
    private const int FcntlSetDescriptorFlags = 2;
    private const int DescriptorCloseOnExec = 1;
    private const int LockForReading = 1;
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;

    public static int ParentProcessId => GetParentPid();

    /// <summary>Makes this process the leader of a new session, without a terminal. False when it leads its process group.</summary>
    public static bool NewSession() => SetSid() >= 0;

    /// <summary>Sets which permissions new files do not get, whatever the caller had.</summary>
    public static void SetFileModeMask(int mask) => _ = Umask(mask);

    /// <summary>Puts /dev/null in place of standard input, output and error.</summary>
    public static void DetachStandardStreams()
    {
        var nothing = Open("/dev/null", OpenReadWrite | OpenCloseOnExec, 0);
        if (nothing < 0)
        {
            throw LastError("open /dev/null");
        }

        for (var descriptor = 0; descriptor <= 2; descriptor++)
        {
            _ = Dup2(nothing, descriptor);
        }

        _ = Close(nothing);
    }

    /// <summary>Both ends are closed on exec until <see cref="SetInheritable"/> says otherwise.</summary>
    public static (SafeFileHandle Read, SafeFileHandle Write) Pipe()
    {
        Span<int> ends = stackalloc int[2];
        return Pipe2(ends, OpenCloseOnExec) == 0
            ? (new SafeFileHandle(ends[0], ownsHandle: true), new SafeFileHandle(ends[1], ownsHandle: true))
            : throw LastError("pipe");
    }

    /// <summary>Whether programs that this process starts get the descriptor.</summary>
    public static void SetInheritable(SafeHandle handle, bool inheritable)
    {
        if (Fcntl((int)handle.DangerousGetHandle(), FcntlSetDescriptorFlags, inheritable ? 0 : DescriptorCloseOnExec) != 0)
        {
            throw LastError("fcntl");
        }
    }

    /// <summary>Keeps all descriptors above standard error, also those that this process was started with, from programs it starts.</summary>
    public static void CloseAllOnExec()
    {
        foreach (var entry in Directory.GetFiles("/proc/self/fd"))
        {
            if (int.TryParse(Path.GetFileName(entry), NumberStyles.None, CultureInfo.InvariantCulture, out var descriptor) && descriptor > 2)
            {
                // The one that lists the directory is closed by now.
                _ = Fcntl(descriptor, FcntlSetDescriptorFlags, DescriptorCloseOnExec);
            }
        }
    }

    /// <summary>False when the process does not exist or may not be signalled.</summary>
    public static bool Signal(int pid, int signal) => pid > 0 && Kill(pid, signal) == 0;

    /// <summary>Replaces this program. Returns only when that fails.</summary>
    public static IOException Execute(string program, IReadOnlyList<string> arguments)
    {
        var vector = new string?[arguments.Count + 2];
        vector[0] = program;
        for (var i = 0; i < arguments.Count; i++)
        {
            vector[i + 1] = arguments[i];
        }

        _ = ExecV(program, vector);
        return LastError(program);
    }

    /// <summary>Opens or makes a lock file, readable for all (others may see who holds it).</summary>
    public static SafeFileHandle OpenLockFile(string path)
    {
        var descriptor = Open(path, OpenReadWrite | OpenCreate | OpenCloseOnExec, 0x1A4 /* 0644 */);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw LastError($"open {path}");
    }

    /// <summary>Null when the file cannot be opened for reading.</summary>
    public static SafeFileHandle? OpenExisting(string path)
    {
        var descriptor = Open(path, OpenCloseOnExec, 0);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : null;
    }

    /// <summary>True when some process holds the lock of this file.</summary>
    public static bool IsLocked(string path)
    {
        using var handle = OpenExisting(path);
        return handle is not null && Flock(handle, LockForReading | LockNonBlocking) != 0;
    }

    public static bool TryLock(SafeFileHandle handle) => Flock(handle, LockExclusive | LockNonBlocking) == 0;

    /// <summary>Waits for the lock; for a thread that may block.</summary>
    public static void Lock(SafeFileHandle handle) => Lock(handle, LockExclusive);

    /// <summary>Waits until nobody holds it for himself.</summary>
    public static void LockShared(SafeFileHandle handle) => Lock(handle, LockForReading);

    private static void Lock(SafeFileHandle handle, int operation)
    {
        while (Flock(handle, operation) != 0)
        {
            if (Marshal.GetLastPInvokeError() != Interrupted)
            {
                throw LastError("flock");
            }
        }
    }

    public static void ChangeOwner(string path, uint uid, uint gid)
    {
        if (Chown(path, uid, gid) != 0)
        {
            throw LastError($"chown {path}");
        }
    }

    [LibraryImport(Library, EntryPoint = "getppid")]
    private static partial int GetParentPid();

    [LibraryImport(Library, EntryPoint = "umask")]
    private static partial int Umask(int mask);

    [LibraryImport(Library, EntryPoint = "setsid", SetLastError = true)]
    private static partial int SetSid();

    [LibraryImport(Library, EntryPoint = "dup2", SetLastError = true)]
    private static partial int Dup2(int from, int to);

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);

    [LibraryImport(Library, EntryPoint = "pipe2", SetLastError = true)]
    private static partial int Pipe2(Span<int> ends, int flags);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Fcntl(int descriptor, int command, int argument);

    [LibraryImport(Library, EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);

    [LibraryImport(Library, EntryPoint = "execv", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ExecV(string program, string?[] arguments);

    [LibraryImport(Library, EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(SafeFileHandle handle, int operation);

    [LibraryImport(Library, EntryPoint = "chown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Chown(string path, uint owner, uint group);
}
