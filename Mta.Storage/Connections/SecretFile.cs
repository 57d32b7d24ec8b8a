using System.Diagnostics.CodeAnalysis;

namespace Mta.Storage.Connections;

/// <summary>A file whose first line is a secret.</summary>
internal static class SecretFile
{
    public static bool TryRead(string path, List<string> warnings, [NotNullWhen(true)] out string? secret, [NotNullWhen(false)] out string? problem)
    {
        secret = null;
        problem = null;
        try
        {
            secret = File.ReadLines(path).FirstOrDefault()?.Trim() ?? "";
            if ((File.GetUnixFileMode(path) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0)
            {
                warnings.Add($"{path} holds a secret and is open to everybody: chmod o= {path}");
            }

            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            problem = $"cannot read {path}: {e.Message}";
            return false;
        }
    }
}
