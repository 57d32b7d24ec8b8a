using System.Globalization;
using System.Runtime.InteropServices;
using Mta.Core.Lookup;

namespace Mta.Services.Maps.Tables;

/// <summary>getpwnam_r(3) and getgrnam_r(3), so that every source of nsswitch.conf answers.</summary>
internal static partial class UnixNames
{
    private const int LargestBuffer = 1 << 20;
    private const int ErrorRange = 34;

    private delegate int Query<TEntry>(string name, out TEntry entry, nint buffer, nuint size, out nint result);

    /// <summary>The user as a line of passwd(5).</summary>
    public static LookupResult FindUser(string name) => Find<PasswdEntry>(name, GetPwNam, FormatUser);

    /// <summary>The user with this number as a line of passwd(5).</summary>
    public static LookupResult FindUser(uint uid) => Find<PasswdEntry>(
        uid.ToString(CultureInfo.InvariantCulture),
        (string _, out PasswdEntry entry, nint buffer, nuint size, out nint result) => GetPwUid(uid, out entry, buffer, size, out result),
        FormatUser);

    /// <summary>The group as a line of group(5).</summary>
    public static LookupResult FindGroup(string name) => Find<GroupEntry>(name, GetGrNam, static entry =>
        string.Join(':', Text(entry.Name), Text(entry.Password), entry.Gid, string.Join(',', Members(entry.Members))));

    private static string FormatUser(PasswdEntry entry) =>
        string.Join(':', Text(entry.Name), Text(entry.Password), entry.Uid, entry.Gid, Text(entry.Gecos), Text(entry.Directory), Text(entry.Shell));

    private static unsafe LookupResult Find<TEntry>(string name, Query<TEntry> query, Func<TEntry, string> format)
    {
        if (name.Length == 0 || name.Contains('\0'))
        {
            return LookupResult.NotFound;
        }

        for (var size = 1024; size <= LargestBuffer; size *= 4)
        {
            var buffer = NativeMemory.Alloc((nuint)size);
            try
            {
                var error = query(name, out var entry, (nint)buffer, (nuint)size, out var found);
                if (found != 0)
                {
                    return LookupResult.Found(format(entry));
                }

                if (error != ErrorRange)
                {
                    return IsAbsent(error) ? LookupResult.NotFound : LookupResult.Failed($"name service error for {name}: {Marshal.GetPInvokeErrorMessage(error)}");
                }
            }
            finally
            {
                NativeMemory.Free(buffer);
            }
        }

        return LookupResult.Failed($"name service entry of {name} is too large");
    }

    /// <summary>0 by POSIX; the manual page of Linux names ENOENT, ESRCH, EBADF and EPERM too.</summary>
    private static bool IsAbsent(int error) => error is 0 or 1 or 2 or 3 or 9;

    private static string Text(nint text) => Marshal.PtrToStringUTF8(text) ?? "";

    private static List<string> Members(nint list)
    {
        var members = new List<string>();
        for (var offset = 0; list != 0 && Marshal.ReadIntPtr(list, offset) is var member && member != 0; offset += nint.Size)
        {
            members.Add(Text(member));
        }

        return members;
    }

    [LibraryImport("libc", EntryPoint = "getpwnam_r", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int GetPwNam(string name, out PasswdEntry entry, nint buffer, nuint size, out nint result);

    [LibraryImport("libc", EntryPoint = "getpwuid_r")]
    private static partial int GetPwUid(uint uid, out PasswdEntry entry, nint buffer, nuint size, out nint result);

    [LibraryImport("libc", EntryPoint = "getgrnam_r", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int GetGrNam(string name, out GroupEntry entry, nint buffer, nuint size, out nint result);

    /// <summary>struct passwd of Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PasswdEntry
    {
        public nint Name;
        public nint Password;
        public uint Uid;
        public uint Gid;
        public nint Gecos;
        public nint Directory;
        public nint Shell;
    }

    /// <summary>struct group of Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct GroupEntry
    {
        public nint Name;
        public nint Password;
        public uint Gid;
        public nint Members;
    }
}
