using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Mta.Services.Mailbox;

/// <summary>The lock file beside a mailbox (<c>mailbox.lock</c>), which programs without fcntl locks look for.</summary>
internal static class DotLock
{
    private const uint LockMode = 0x180; // 0600

    /// <summary>Makes it: success, Exists when someone has it, or the error. One older than <paramref name="stale"/> is removed.</summary>
    public static int TryTake(string path, TimeSpan stale, TimeProvider time)
    {
        var error = Create(path);
        if (error == Libc.Exists && Libc.Stat(path, follow: false, out var facts) == Libc.Success && time.GetUtcNow() - facts.Modified > stale)
        {
            var removed = Libc.Remove(path);
            error = removed is Libc.Success or Libc.NotFound ? Create(path) : removed;
        }

        return error;
    }

    public static void Release(string path) => _ = Libc.Remove(path);

    private static int Create(string path)
    {
        var error = Libc.Open(path, Libc.WriteOnly | Libc.Create | Libc.Exclusive, LockMode, out var file);
        if (error != Libc.Success)
        {
            return error;
        }

        using (file)
        {
            return WriteOwner(path, file!);
        }
    }

    // Whoever finds the lock in the way can see whose it is.
    private static int WriteOwner(string path, SafeFileHandle file)
    {
        var error = Libc.Write(file, Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n"));
        if (error != Libc.Success)
        {
            _ = Libc.Remove(path);
        }

        return error;
    }
}
