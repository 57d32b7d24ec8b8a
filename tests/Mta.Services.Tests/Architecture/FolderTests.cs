using System.Text.RegularExpressions;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Architecture;

/// <summary>The seams that ARCHITECTURE.md draws.</summary>
public sealed partial class FolderTests
{
    /// <summary>What several daemons use; all other folders of Mta.Services are daemons, and meet only through these.</summary>
    private static readonly HashSet<string> Libraries =
        ["Anvil", "Checks", "Clients", "Configuration", "Dns", "Mailbox", "Maps", "Master", "Net", "Nodes", "Postlogd", "Scache", "Tls"];

    private static string Root { get; } = FindRoot();

    [Fact]
    public void No_daemon_uses_another_daemon_s_folder()
    {
        var wrong = new List<string>();
        foreach (var folder in Directory.GetDirectories(Path.Combine(Root, "Mta.Services")))
        {
            var name = Path.GetFileName(folder);
            foreach (var file in Sources(folder))
            {
                foreach (Match use in ServiceNamespace().Matches(File.ReadAllText(file)))
                {
                    var used = use.Groups[1].Value;
                    if (used != name && !Libraries.Contains(used) && Directory.Exists(Path.Combine(Root, "Mta.Services", used)))
                    {
                        wrong.Add($"{Path.GetRelativePath(Root, file)} uses {used}: let them meet through Clients");
                    }
                }
            }
        }

        wrong.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("Mta.Core", "")]
    [InlineData("Mta.Storage", "Mta.Core")]
    [InlineData("Mta.Services", "Mta.Core Mta.Storage")]
    public void Dependencies_point_one_way(string project, string allowed)
    {
        var references = ProjectReference().Matches(File.ReadAllText(Path.Combine(Root, project, project + ".csproj"))).Select(m => m.Groups[1].Value);
        references.Except(allowed.Split(' ')).ShouldBeEmpty();
    }

    [Fact]
    public void Core_is_pure()
    {
        var wrong = Sources(Path.Combine(Root, "Mta.Core"))
            .SelectMany(file => Impure().Matches(File.ReadAllText(file)).Select(m => $"{Path.GetRelativePath(Root, file)}: {m.Value}"));
        wrong.ShouldBeEmpty();
    }

    [Fact]
    public void Time_comes_from_a_TimeProvider()
    {
        var wrong = new[] { "Mta.Core", "Mta.Storage", "Mta.Services", "Mta.Daemon", "Mta.Tools" }
            .SelectMany(project => Sources(Path.Combine(Root, project)))
            .Where(file => WallClock().IsMatch(File.ReadAllText(file)))
            .Select(file => Path.GetRelativePath(Root, file));
        wrong.ShouldBeEmpty();
    }

    [Fact]
    public void SQL_lives_in_Storage_only()
    {
        var wrong = new[] { "Mta.Core", "Mta.Services", "Mta.Daemon", "Mta.Tools" }
            .SelectMany(project => Sources(Path.Combine(Root, project)))
            .Where(file => Statement().IsMatch(File.ReadAllText(file)))

            // What a pgsql: table asks is the administrator's text, put together as pgsql_table(5) says.
            .Where(file => !file.EndsWith("Mta.Core/Lookup/Queries/SqlTableConfig.cs", StringComparison.Ordinal))
            .Select(file => Path.GetRelativePath(Root, file));
        wrong.ShouldBeEmpty();
    }

    [Fact]
    public void Every_RFC_in_the_index_names_a_file_that_exists_and_names_the_RFC()
    {
        var wrong = new List<string>();
        foreach (Match row in IndexRow().Matches(File.ReadAllText(Path.Combine(Root, "RFCS.md"))))
        {
            var (number, path) = (row.Groups[1].Value, row.Groups[2].Value);
            var file = Path.Combine(Root, path);
            if (!File.Exists(file))
            {
                wrong.Add($"RFC {number}: {path} does not exist");
            }
            else if (!File.ReadAllText(file).Contains(number, StringComparison.Ordinal))
            {
                wrong.Add($"RFC {number}: {path} does not mention it");
            }
        }

        wrong.ShouldBeEmpty();
        IndexRow().Count(File.ReadAllText(Path.Combine(Root, "RFCS.md"))).ShouldBeGreaterThan(10);
    }

    private static IEnumerable<string> Sources(string folder) =>
        Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal));

    private static string FindRoot()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Mta.sln")))
        {
            directory = Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("Mta.sln is not above the test program");
        }

        return directory;
    }

    [GeneratedRegex(@"\bMta\.Services\.([A-Z][A-Za-z]+)")]
    private static partial Regex ServiceNamespace();

    [GeneratedRegex(@"ProjectReference Include=""\.\./([A-Za-z.]+)/")]
    private static partial Regex ProjectReference();

    [GeneratedRegex(@"\bnew Socket\b|\bTcp(Client|Listener)\b|\bFile\.|\bDirectory\.|Environment\.(Get|Machine|User|Process)|\bTask<|\basync ")]
    private static partial Regex Impure();

    [GeneratedRegex(@"DateTime(Offset)?\.(Utc)?Now")]
    private static partial Regex WallClock();

    [GeneratedRegex(@"""(SELECT |INSERT INTO |UPDATE mta|DELETE FROM )")]
    private static partial Regex Statement();

    [GeneratedRegex(@"^\| (\d{3,4}) \|.*\| `([^`]+)` \|", RegexOptions.Multiline)]
    private static partial Regex IndexRow();
}
