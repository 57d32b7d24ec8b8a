namespace Mta.Services.Configuration;

/// <summary>Why a file cannot be read, in the words of the C library, which administrators know and tools look for.</summary>
public static class OpenFailure
{
    /// <param name="e">What .NET said of the file at <paramref name="path"/>.</param>
    public static string Reason(string path, Exception e) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException or ArgumentException => "No such file or directory",
        UnauthorizedAccessException when Directory.Exists(path) => "Is a directory",
        UnauthorizedAccessException => "Permission denied",
        _ => e.Message,
    };
}
