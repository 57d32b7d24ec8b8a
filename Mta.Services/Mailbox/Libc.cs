using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mta.Services.Mailbox;

/// <summary>What the file system says of a file.</summary>
internal readonly record struct FileFacts(ulong Inode, uint DeviceMajor, uint DeviceMinor, uint Mode, uint Uid, uint Gid, uint Links, long Size, DateTimeOffset Modified)
{
    private const uint TypeMask = 0xF000;

    /// <summary>Device and inode as one number each, as maildir file names carry them.</summary>
    public ulong Device => (DeviceMajor << 8) | (DeviceMinor & 0xFF) | ((ulong)(DeviceMinor & ~0xFFu) << 12);

    public bool IsRegular => (Mode & TypeMask) == 0x8000;

    public bool IsDirectory => (Mode & TypeMask) == 0x4000;

    public bool IsSymbolicLink => (Mode & TypeMask) == 0xA000;

    public bool IsWritableByGroup => (Mode & 0x10) != 0;

    public bool IsWritableByAll => (Mode & 0x02) != 0;

    public bool IsSameFile(in FileFacts other) => Inode == other.Inode && DeviceMajor == other.DeviceMajor && DeviceMinor == other.DeviceMinor;
}

/// <summary>
/// The system calls of mailbox delivery. .NET's own files hide the error number, lock with flock(2) unasked, and cannot sync a directory.
/// Every call gives 0 (or a handle) or the error number.
/// </summary>
internal static partial class Libc
{
    public const int Success = 0;
    public const int PermissionDenied = 13;
    public const int Exists = 17;
    public const int NotFound = 2;
    public const int IsDirectory = 21;
    public const int Again = 11;
    public const int Interrupted = 4;
    public const int InputOutput = 5;
    public const int FileTooBig = 27;
    public const int NoSpace = 28;
    public const int TooManySymbolicLinks = 40;
    public const int Stale = 116;
    public const int QuotaExceeded = 122;
    public const int NotPermitted = 1;

    public const int ReadOnly = 0;
    public const int WriteOnly = 1;
    public const int Append = 0x400;
    public const int Create = 0x40;
    public const int Exclusive = 0x80;
    public const int NonBlocking = 0x800;

    private const int CloseOnExec = 0x80000;
    private const int CurrentDirectory = -100;
    private const int EmptyPath = 0x1000;
    private const int NoFollow = 0x100;
    private const int BasicStats = 0x7FF;
    private const int StatxSize = 256;
    private const int SetOpenFileLock = 37;
    private const short WriteLock = 1;
    private const int FlockExclusiveNonBlocking = 2 | 4;

    // O_NOFOLLOW and O_DIRECTORY are the two whose values differ between the processors that .NET runs on.
    private static readonly bool IsArm = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;

    public static int FlagNoFollow => IsArm ? 0x8000 : 0x20000;

    private static int FlagDirectory => IsArm ? 0x4000 : 0x10000;

    public static uint EffectiveUid { get; } = NativeGetEuid();

    public static uint EffectiveGid { get; } = NativeGetEgid();

    /// <summary>The text of an error number, as strerror(3) has it.</summary>
    public static string Text(int error) => Marshal.GetPInvokeErrorMessage(error);

    public static int Open(string path, int flags, uint mode, out SafeFileHandle? file)
    {
        int descriptor;
        int error;
        do
        {
            descriptor = NativeOpen(path, flags | CloseOnExec, mode);
            error = descriptor < 0 ? Marshal.GetLastPInvokeError() : Success;
        }
        while (error == Interrupted);
        file = descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
        return error;
    }

    /// <summary>Writes all of it.</summary>
    public static int Write(SafeFileHandle file, ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            var written = NativeWrite(file, ref MemoryMarshal.GetReference(data), (nuint)data.Length);
            if (written > 0)
            {
                data = data[(int)written..];
            }
            else if (Marshal.GetLastPInvokeError() is var error && error != Interrupted)
            {
                return written == 0 ? InputOutput : error;
            }
        }

        return Success;
    }

    public static int Sync(SafeFileHandle file) => Result(NativeFsync(file));

    /// <summary>Makes the names in a directory durable.</summary>
    public static int SyncDirectory(string path)
    {
        var error = Open(path, ReadOnly | FlagDirectory, 0, out var directory);
        if (error == Success)
        {
            using (directory)
            {
                error = Sync(directory!);
            }
        }

        return error;
    }

    public static int Truncate(SafeFileHandle file, long length) => Result(NativeFtruncate(file, length));

    public static int Rename(string from, string to) => Result(NativeRename(from, to));

    public static int Remove(string path) => Result(NativeUnlink(path));

    public static int MakeDirectory(string path, uint mode) => Result(NativeMkdir(path, mode));

    /// <summary>
    /// Asks for an fcntl(2) lock of the whole file without waiting: of the open file, not of the process, so that threads exclude each other
    /// and closing another descriptor of the file does not release it. It excludes the POSIX locks of other programs all the same.
    /// </summary>
    public static int LockByFcntl(SafeFileHandle file)
    {
        Span<byte> request = stackalloc byte[32];
        request.Clear();
        BinaryPrimitives.WriteInt16LittleEndian(request, WriteLock);
        return Result(NativeFcntl(file, SetOpenFileLock, ref MemoryMarshal.GetReference(request)));
    }

    public static int LockByFlock(SafeFileHandle file) => Result(NativeFlock(file, FlockExclusiveNonBlocking));

    public static int Stat(SafeFileHandle file, out FileFacts facts)
    {
        var taken = false;
        file.DangerousAddRef(ref taken);
        try
        {
            return Stat((int)file.DangerousGetHandle(), "", EmptyPath, out facts);
        }
        finally
        {
            file.DangerousRelease();
        }
    }

    /// <summary>Facts of what the path names; of the link itself when it is a symbolic link and <paramref name="follow"/> is false.</summary>
    public static int Stat(string path, bool follow, out FileFacts facts) => Stat(CurrentDirectory, path, follow ? 0 : NoFollow, out facts);

    // struct statx has one layout everywhere, struct stat has not.
    private static int Stat(int directory, string path, int flags, out FileFacts facts)
    {
        Span<byte> buffer = stackalloc byte[StatxSize];
        var error = Result(NativeStatx(directory, path, flags, BasicStats, ref MemoryMarshal.GetReference(buffer)));
        facts = error != Success
            ? default
            : new FileFacts(
                Inode: BitConverter.ToUInt64(buffer[0x20..]),
                DeviceMajor: BitConverter.ToUInt32(buffer[0x88..]),
                DeviceMinor: BitConverter.ToUInt32(buffer[0x8C..]),
                Mode: BitConverter.ToUInt16(buffer[0x1C..]),
                Uid: BitConverter.ToUInt32(buffer[0x14..]),
                Gid: BitConverter.ToUInt32(buffer[0x18..]),
                Links: BitConverter.ToUInt32(buffer[0x10..]),
                Size: BitConverter.ToInt64(buffer[0x28..]),
                Modified: DateTimeOffset.FromUnixTimeSeconds(BitConverter.ToInt64(buffer[0x70..])));
        return error;
    }

    private static int Result(int result) => result < 0 ? Marshal.GetLastPInvokeError() : Success;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeOpen(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint NativeWrite(SafeFileHandle file, ref byte data, nuint length);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int NativeFsync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int NativeFtruncate(SafeFileHandle file, long length);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int NativeFcntl(SafeFileHandle file, int command, ref byte argument);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int NativeFlock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeRename(string from, string to);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeUnlink(string path);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeMkdir(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeStatx(int directory, string path, int flags, uint mask, ref byte buffer);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint NativeGetEuid();

    [LibraryImport("libc", EntryPoint = "getegid")]
    private static partial uint NativeGetEgid();
}
