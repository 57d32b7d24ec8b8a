using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Mta.EndToEnd.Tests.Postmap;
using Mta.Testing;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Tables;

/// <summary>
/// The tables of Cases, one file for each manual page: made by our postmap and asked key by key, with keys from standard input, and listed.
/// The answers are those that the file has; where Debian's postmap is installed, its answers, words and exit codes are the same.
/// </summary>
public sealed partial class TableCasesTests(TableCasesDatabase shared) : IClassFixture<TableCasesDatabase>, IDisposable
{
    private const string Postfix = "/usr/sbin/postmap";

    private readonly string directory = Directory.CreateTempSubdirectory("mta-cases-").FullName;
    private readonly TestDatabase database = shared.Database;

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Tables", "Cases");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static TheoryData<string> Pages() =>
        [.. Directory.GetFiles(Folder, "*.txt").Order(StringComparer.Ordinal).Select(f => Path.GetFileNameWithoutExtension(f))];

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Answers_are_as_written_and_as_Debians(string page)
    {
        await File.WriteAllTextAsync(Path.Combine(directory, "main.cf"), "compatibility_level = 3.6\n", Stop);
        var cases = TableCase.ReadAll(Path.Combine(Folder, page + ".txt"));
        var problems = new StringBuilder();
        for (var i = 0; i < cases.Count; i++)
        {
            await CheckAsync(cases[i], string.Create(CultureInfo.InvariantCulture, $"{page}-{i}"), problems);
        }

        if (problems.Length > 0)
        {
            Assert.Fail(problems.ToString());
        }
    }

    private async Task CheckAsync(TableCase table, string name, StringBuilder problems)
    {
        var path = Path.Combine(directory, name);
        await File.WriteAllTextAsync(path, table.Text, Stop);
        var reference = table.Reference.Length > 0 ? table.Reference : $"{(table.IsAliases ? "hash" : table.Type)}:{path}";
        var program = table.IsAliases ? "postalias" : "postmap";
        var said = "";
        if (table.IsIndexed)
        {
            said = (await AskBothAsync(program, "", [reference], path, problems)).Error;
        }

        // All keys at once, as far as a line can hold them; up to the first one that fails.
        var lines = string.Concat(table.Keys.Where(k => !k.Key.Contains('\n')).Select(k => k.Key + "\n"));
        var all = await AskBothAsync(program, lines, ["-q", "-", reference], path, problems);
        said += all.Error;
        Compare(problems, $"{name}: what is said", Warnings(said, program, path), Warnings(table.Warnings, program, path));
        foreach (var (key, expected) in table.Keys)
        {
            // Each start of Debians costs more than all lookups.
            var wasAsked = !key.Contains('\n') && all.Exit == 0;
            var answer = wasAsked ? await AskAsync(program, "", ["-q", key, reference]) : await AskBothAsync(program, "", ["-q", key, reference], path, problems);
            var result = answer.Exit == 0 ? answer.Output[..^1] : answer.Error.Contains("fatal: ", StringComparison.Ordinal) ? TableCase.Failing : TableCase.Absent;
            Compare(problems, $"{name}: {key}", result, expected);
        }

        await AskBothAsync(program, "", ["-s", reference], path, problems);
        if (table.Type is "regexp" or "pcre" or "cidr" && table.Warnings.Length == 0)
        {
            await StoredAsync(table, reference, path, lines, all.Output, problems);
        }
    }

    /// <summary>Rules in the database answer as those of the file did.</summary>
    private async Task StoredAsync(TableCase table, string reference, string path, string lines, string answers, StringBuilder problems)
    {
        var postmap = new OurPostmap(database);
        (await postmap.RunAsync("postmap", [], [reference], Stop)).ShouldBe((0, "", ""));
        File.Delete(path);
        var stored = await postmap.RunAsync("postmap", Encoding.UTF8.GetBytes(lines), ["-q", "-", reference], Stop);
        Compare(problems, $"{table.Type}: stored", stored.Output, answers);
    }

    /// <summary>Our answer, after it was compared with Debian's.</summary>
    private async Task<(int Exit, string Output, string Error)> AskBothAsync(string program, string input, string[] arguments, string path, StringBuilder problems)
    {
        var ours = await AskAsync(program, input, arguments);
        if (File.Exists(Postfix))
        {
            var theirs = await PostfixCommand.RunWithInputAsync(program, input, ["-c", directory, .. arguments]);
            var what = string.Join(' ', arguments);
            Compare(problems, $"{what}: output", Sorted(ours.Output, arguments), Sorted(theirs.Output, arguments));
            Compare(problems, $"{what}: error", Warnings(ours.Error, program, path), Warnings(theirs.Error, program, path));
            Compare(problems, $"{what}: exit code", Text(ours.Exit), Text(theirs.Exit));
        }

        return ours;
    }

    private Task<(int Exit, string Output, string Error)> AskAsync(string program, string input, string[] arguments) =>
        new OurPostmap(database).RunAsync(program, Encoding.UTF8.GetBytes(input), arguments, Stop);

    /// <summary>Tells the lines in which the two differ.</summary>
    private static void Compare(StringBuilder problems, string what, string ours, string expected)
    {
        if (ours != expected)
        {
            problems.Append(CultureInfo.InvariantCulture, $"== {what}\nours:     {Less(ours, expected)}\nexpected: {Less(expected, ours)}\n");
        }
    }

    private static string Less(string lines, string others) => string.Join('\n', lines.Split('\n').Except(others.Split('\n')));

    private static string Text(int exit) => exit.ToString(CultureInfo.InvariantCulture);

    /// <summary>A table is listed in any order; postalias(1) of Postfix adds entries for NIS servers, and does not quote names before 3.12.</summary>
    private static string Sorted(string output, string[] arguments) => arguments[0] != "-s" ? output
        : string.Join('\n', output.Split('\n').Where(l => l is not ['@', ':', ..] && !l.StartsWith("YP_", StringComparison.Ordinal))
            .Select(l => QuotedNames().Replace(l, m => m.Groups[1].Value.Replace(@"\\", @"\", StringComparison.Ordinal) + ":\t")).Order(StringComparer.Ordinal));

    /// <summary>
    /// Without the program's name, and with TABLE for the file; we name the line of a duplicate where Postfix names the indexed file. Each
    /// once, for Postfix opens a texthash anew for each key.
    /// </summary>
    private static string Warnings(string error, string program, string path)
    {
        var text = error.Replace($"{program}: ", "", StringComparison.Ordinal).Replace("warning: ", "", StringComparison.Ordinal).Replace(path + ".db", "TABLE", StringComparison.Ordinal)
            .Replace(path, "TABLE", StringComparison.Ordinal);
        return string.Join('\n', Duplicates().Replace(text, ": duplicate").Split('\n').Distinct());
    }

    [GeneratedRegex("^\"(.*)\":\t")]
    private static partial Regex QuotedNames();

    [GeneratedRegex(@"(?:, line \d+)?: duplicate")]
    private static partial Regex Duplicates();
}
