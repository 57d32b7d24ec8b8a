using Shouldly;

namespace Mta.Core.Tests.Config;

/// <summary>Where the program's sources are.</summary>
internal static class SourceTree
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Mta.sln")))
        {
            directory = directory.Parent;
        }

        return directory.ShouldNotBeNull("the tests have to run inside the source tree").FullName;
    }
}
