namespace Mta.Services.Maps.Tables;

/// <summary>Changes when the file does, so that a reload reads it again.</summary>
internal static class FileStamp
{
    public static long Of(string path)
    {
        var file = new FileInfo(path);
        return file.Exists ? HashCode.Combine(file.LastWriteTimeUtc.Ticks, file.Length) : -1;
    }

    /// <summary>Why a file cannot be opened, in the words of the C library.</summary>
    public static string Reason(string path, Exception e) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException or ArgumentException => "No such file or directory",
        UnauthorizedAccessException when Directory.Exists(path) => "Is a directory",
        UnauthorizedAccessException => "Permission denied",
        _ => e.Message,
    };
}
