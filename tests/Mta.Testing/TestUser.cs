using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Mta.Testing;

/// <summary>The user that servers run as in tests that root started: PostgreSQL refuses root.</summary>
public static partial class TestUser
{
    /// <summary><c>postgres</c> where that user exists, else <c>nobody</c>.</summary>
    public static string Name { get; } = Find().Name;

    /// <summary>Gives a file or directory to the user.</summary>
    public static void Own(string path)
    {
        var (_, uid, gid) = Find();
        if (Chown(path, uid, gid) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), $"chown {path}");
        }
    }

    private static (string Name, uint Uid, uint Gid) Find()
    {
        var lines = File.ReadLines("/etc/passwd").Select(l => l.Split(':')).Where(f => f.Length >= 4).ToList();
        var entry = lines.Find(f => f[0] == "postgres") ?? lines.Find(f => f[0] == "nobody")
            ?? throw new InvalidOperationException("neither postgres nor nobody is a user here");
        return (entry[0], uint.Parse(entry[2], null), uint.Parse(entry[3], null));
    }

    [LibraryImport("libc", EntryPoint = "chown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Chown(string path, uint owner, uint group);
}
