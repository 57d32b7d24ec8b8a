using System.Runtime.CompilerServices;

namespace Mta.Services.Tests.Cleanup;

/// <summary>The messages under tests/mail.</summary>
internal static class MailFiles
{
    public static IEnumerable<string> All() => Directory.EnumerateFiles(Folder(), "*.eml").Order(StringComparer.Ordinal);

    public static string PathOf(string file) => Path.Combine(Folder(), file);

    private static string Folder([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "mail");
}
