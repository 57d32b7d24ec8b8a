using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Mta.Core.Config;
using Mta.Services.Net;

namespace Mta.Services.Master;

/// <summary>The files by which the processes of one instance of the mail system find each other.</summary>
public sealed class InstanceFiles(Settings settings)
{
    public string DataDirectory { get; } = settings.Get(Parameters.DataDirectory);

    public string QueueDirectory { get; } = settings.Get(Parameters.QueueDirectory);

    public string PidDirectory { get; } = Path.Combine(settings.Get(Parameters.QueueDirectory), settings.Get(Parameters.ProcessIdDirectory));

    /// <summary>Holds master's process id, for service managers and people.</summary>
    public string PidFile => Path.Combine(PidDirectory, "master.pid");

    /// <summary>Locked by master for as long as it lives.</summary>
    public string MasterLock => Path.Combine(DataDirectory, "master.lock");

    /// <summary>Locked by the services process for as long as it lives, also when its master is gone.</summary>
    public string ServicesLock => Path.Combine(DataDirectory, "services.lock");

    /// <summary>Where master takes requests from commands.</summary>
    public string MasterSocket => Path.Combine(DataDirectory, "master.sock");

    /// <summary>The process id of the master that runs; null when none does.</summary>
    public int? RunningMaster() => Libc.IsLocked(MasterLock) ? ReadPid(PidFile) ?? ReadPid(MasterLock) : null;

    /// <summary>Waits until no master holds the lock; false when the time is over. For a thread that may block.</summary>
    public bool WaitUntilStopped(TimeSpan limit)
    {
        var waiting = Task.Run(() =>
        {
            using var handle = Libc.OpenExisting(MasterLock);
            if (handle is not null)
            {
                Libc.LockShared(handle);
            }
        });
        return waiting.Wait(limit);
    }

    /// <summary>The number in a file of one line; null when there is none.</summary>
    public static int? ReadPid(string path)
    {
        // Not by a FileStream, which takes a lock of its own and fails while somebody holds ours.
        using var handle = Libc.OpenExisting(path);
        if (handle is null)
        {
            return null;
        }

        Span<byte> text = stackalloc byte[32];
        text = text[..RandomAccess.Read(handle, text, 0)];
        return int.TryParse(text.Trim(" \n"u8), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : null;
    }

    /// <summary>Writes a process id into an open lock file.</summary>
    internal static void WritePid(SafeFileHandle file, int pid)
    {
        RandomAccess.SetLength(file, 0);
        RandomAccess.Write(file, System.Text.Encoding.ASCII.GetBytes(pid.ToString(CultureInfo.InvariantCulture) + "\n"), 0);
    }
}
