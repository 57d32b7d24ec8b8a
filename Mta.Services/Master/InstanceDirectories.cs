using System.Globalization;
using Mta.Core.Config;
using Mta.Services.Net;
using Mta.Services.Clients;

namespace Mta.Services.Master;

/// <summary>The directories that an instance needs: made when they are missing, and looked at (postfix check).</summary>
public static class InstanceDirectories
{
    private const UnixFileMode Public = (UnixFileMode)0x1ED; // 0755

    /// <summary>Makes what is missing. What is wrong and cannot be mended is returned; an empty list means that all is well.</summary>
    /// <param name="warnings">What is odd.</param>
    public static IReadOnlyList<string> Ensure(Settings settings, List<string> warnings)
    {
        var problems = new List<string>();
        var files = new InstanceFiles(settings);
        var owner = settings.Get(Parameters.MailOwner);
        var asRoot = Environment.IsPrivilegedProcess;
        var account = asRoot ? SystemAccount.ByName(owner) : null;
        if (asRoot && account is null)
        {
            problems.Add($"mail_owner: {owner}: no such user (useradd --system --no-create-home --shell /usr/sbin/nologin {owner})");
            return problems;
        }

        if (account is { Uid: 0 })
        {
            problems.Add("mail_owner: the mail system must not be owned by root");
            return problems;
        }

        Ensure(files.QueueDirectory, null, problems);
        Ensure(files.PidDirectory, null, problems);
        // The services make their sockets in it, and any user finds them there.
        Ensure(Path.Combine(files.QueueDirectory, "public"), account, problems);
        Ensure(SpoolDirectory.In(files.QueueDirectory).Path, account, problems, SpoolDirectory.Mode);
        // Its owner makes the embedded database in it; other users only pass through to that one's socket.
        Ensure(files.DataDirectory, account, problems);
        if (problems.Count == 0 && account is not null && Libc.OwnerOf(files.DataDirectory) is { } uid && uid != account.Uid)
        {
            problems.Add(string.Create(CultureInfo.InvariantCulture, $"data_directory {files.DataDirectory} belongs to user {uid}, not to mail_owner {owner} (chown {owner} {files.DataDirectory})"));
        }

        if (problems.Count == 0 && !asRoot && !IsWritable(files.DataDirectory))
        {
            problems.Add($"data_directory {files.DataDirectory} cannot be written by user {Environment.UserName}");
        }

        if (asRoot && Directory.Exists(files.QueueDirectory) && Libc.OwnerOf(files.QueueDirectory) is not 0 and not null)
        {
            warnings.Add($"not owned by root: {files.QueueDirectory}");
        }

        return problems;
    }

    private static void Ensure(string path, SystemAccount? owner, List<string> problems, UnixFileMode mode = Public)
    {
        if (Directory.Exists(path))
        {
            return;
        }

        try
        {
            Directory.CreateDirectory(path);
            File.SetUnixFileMode(path, mode);
            if (owner is not null)
            {
                Libc.ChangeOwner(path, owner.Uid, owner.Gid);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add($"cannot make directory {path}: {e.Message}");
        }
    }

    private static bool IsWritable(string path)
    {
        try
        {
            using var probe = Libc.OpenLockFile(Path.Combine(path, "master.lock"));
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
