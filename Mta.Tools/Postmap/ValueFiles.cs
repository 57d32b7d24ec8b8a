using System.ComponentModel;
using System.Diagnostics;
using Mta.Core.Config;
using Mta.Services.Configuration;
using Mta.Services.Net;

namespace Mta.Tools.Postmap;

/// <summary>
/// Values that name files (postmap -F): what is stored is their content in base64, with a line end between two. When root makes a table of
/// somebody else's source file, the files are read with that user's rights: whoever may write the source shall not read more by it.
/// </summary>
internal sealed class ValueFiles
{
    private readonly LocalUser? reader;

    private ValueFiles(LocalUser? reader) => this.reader = reader;

    /// <param name="source">The file that names them; null for standard input.</param>
    /// <param name="keepsPrivileges">Root reads them itself (-o).</param>
    public static ValueFiles Of(string? source, bool keepsPrivileges) =>
        keepsPrivileges || source is null || !Environment.IsPrivilegedProcess || Libc.OwnerOf(source) is null or 0
            ? new ValueFiles(null)
            : new ValueFiles(LocalUser.Find(Libc.OwnerOf(source)!.Value));

    /// <summary>The stored value; null with the reason when a file cannot be read.</summary>
    public (string? Value, string? Problem) Encode(string value)
    {
        using var content = new MemoryStream();
        foreach (var path in ValueList.Split(value))
        {
            content.Write(content.Length > 0 ? "\n"u8 : []);
            if (Append(path, content) is { } reason)
            {
                return (null, $"open {path}: {reason}");
            }
        }

        return (Convert.ToBase64String(content.GetBuffer(), 0, (int)content.Length), null);
    }

    private string? Append(string path, MemoryStream content)
    {
        if (reader is not null)
        {
            return AppendAs(reader, path, content);
        }

        try
        {
            content.Write(File.ReadAllBytes(path));
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return OpenFailure.Reason(path, e);
        }
    }

    /// <summary>A process of that user reads the file: rights of files belong to processes.</summary>
    private static string? AppendAs(LocalUser user, string path, MemoryStream content)
    {
        if (user.Name.Length == 0)
        {
            return $"the source file belongs to user {user.Id}, who has no name here: use -o to read it as root";
        }

        var start = new ProcessStartInfo("cat", ["--", path])
        {
            UserName = user.Name,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using var process = Process.Start(start)!;
            var said = process.StandardError.ReadToEndAsync();
            process.StandardOutput.BaseStream.CopyTo(content);
            process.WaitForExit();
            var problem = said.GetAwaiter().GetResult().Trim();
            return process.ExitCode == 0 ? null : problem[(problem.LastIndexOf(": ", StringComparison.Ordinal) + 2)..];
        }
        catch (Win32Exception e)
        {
            return $"as user {user.Name}: {e.Message}";
        }
    }
}
