using System.Globalization;
using Xunit;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>A file system of a few megabytes (tmpfs), which a test may fill.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private SmallDisk(string directory) => Path = directory;

    public string Path { get; }

    private string Ballast => System.IO.Path.Combine(Path, "ballast");

    /// <summary>Mounts it, or skips the test where this process may not mount: no other bound makes a server meet a full disk.</summary>
    public static async Task<SmallDisk> MountAsync(int megabytes, CancellationToken cancellationToken)
    {
        var directory = Programs.NewDirectory("disk");
        string[] arguments = ["-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={megabytes}m,mode=0755"), "tmpfs", directory];
        var mount = await CommandResult.RunAsync("mount", arguments, null, null, cancellationToken);
        Assert.SkipUnless(mount.ExitCode == 0, $"a small file system cannot be mounted: {mount.Error}");
        return new SmallDisk(directory);
    }

    /// <summary>Writes until nothing more goes.</summary>
    public void Fill()
    {
        using var file = File.OpenHandle(Ballast, FileMode.OpenOrCreate, FileAccess.Write);
        var block = new byte[4096];
        try
        {
            for (var at = RandomAccess.GetLength(file); ; at += block.Length)
            {
                RandomAccess.Write(file, block, at);
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }

    /// <summary>Gives back what was filled.</summary>
    public void Free() => File.Delete(Ballast);

    public async ValueTask DisposeAsync()
    {
        // Lazily: a process of the server may still be ending.
        await CommandResult.RunAsync("umount", ["-l", Path], null, null, CancellationToken.None);
        Directory.Delete(Path);
    }
}
