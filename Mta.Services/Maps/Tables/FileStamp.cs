namespace Mta.Services.Maps.Tables;

/// <summary>Changes when the file does, so that a reload reads it again.</summary>
internal static class FileStamp
{
    public static long Of(string path)
    {
        var file = new FileInfo(path);
        return file.Exists ? HashCode.Combine(file.LastWriteTimeUtc.Ticks, file.Length) : -1;
    }
}
