using System.Runtime.CompilerServices;

namespace Mta.Services.Tests.Cleanup;

/// <summary>The messages under tests/mail.</summary>
internal static class MailFiles
{
    public static IEnumerable<string> All([CallerFilePath] string here = "") =>
        Directory.EnumerateFiles(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "mail"), "*.eml").Order(StringComparer.Ordinal);
}
