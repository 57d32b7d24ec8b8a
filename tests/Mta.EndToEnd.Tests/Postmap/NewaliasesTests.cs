using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;
using Mta.Testing;
using Mta.Tools;
using Mta.Tools.Sendmail;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Postmap;

/// <summary>newaliases, sendmail -bi and sendmail -I, beside Debian's with the same alias_database.</summary>
public sealed partial class NewaliasesTests(PostmapOptionTests.Shared shared) : IClassFixture<PostmapOptionTests.Shared>, IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("mta-newaliases-").FullName;
    private readonly TestDatabase database = shared.Database;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    /// <summary>Side by side, for Postfix sleeps for a second before it ends with a fatal error. % is a case's directory.</summary>
    [Fact]
    public async Task Alias_databases_are_built_as_by_Debians()
    {
        (string Databases, string Line)[] cases =
        [
            ("hash:%/one", "newaliases"),
            ("hash:%/one, btree:%/two", "newaliases"),
            ("%/two", "sendmail -bi"),
            ("hash:%/one", "sendmail -I"),
            ("hash:%/none hash:%/two", "newaliases"),
            ("hash:%/two hash:%/none", "newaliases"),
            ("", "newaliases"),
            ("texthash:%/one", "newaliases"),
            ("regexp:%/one", "newaliases"),
            ("static:x", "newaliases"),
            ("proxy:hash:%/one", "newaliases"),
            ("nis:x", "newaliases"),
            ("{hash:%/one}", "newaliases"),
            ("hash:%/one", "newaliases x"),
            ("hash:%/one", "sendmail -bi x"),
            ("hash:%/one", "sendmail -bi -t"),
            ("hash:%/one", "newaliases -oA%/two"),
            ("hash:%/one", "sendmail -bi -oAhash:%/two,hash:%/one"),
            ("hash:%/one", "sendmail -bi -oA"),
            ("hash:%/one", "sendmail -bp -bi"),
            ("hash:%/one", "mailq x"),
            ("hash:%/one", "sendmail -q x"),
            ("hash:%/one", "sendmail -qIabc x"),
            ("hash:%/one", "sendmail -qRexample.com x"),
            ("hash:%/one", "sendmail -bs x"),
        ];
        var failures = new ConcurrentQueue<string>();
        await Parallel.ForEachAsync(cases, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (one, _) =>
        {
            try
            {
                await CompareAsync(one.Databases, one.Line);
            }
            catch (ShouldAssertException e)
            {
                failures.Enqueue($"{one}: {e.Message}");
            }
        });
        failures.ShouldBeEmpty();
    }

    [Fact]
    public async Task Verbose_is_passed_on()
    {
        MakeFiles(directory);
        var ours = Path.Combine(directory, "ours");
        await File.WriteAllTextAsync(
            Path.Combine(ours, "main.cf"), $"compatibility_level = 3.6\nalias_database = hash:{directory}/two\ndatabase_url = {database.ConnectionString}\n", Stop);
        (await RunAsync("newaliases", ["-C", ours, "-v"])).Error.ShouldContain($"postalias: open hash {directory}/two\n");
    }

    private static void MakeFiles(string directory)
    {
        Directory.CreateDirectory(Path.Combine(directory, "ours"));
        Directory.CreateDirectory(Path.Combine(directory, "theirs"));
        File.WriteAllText(Path.Combine(directory, "one"), "root: alice,\n  bob\nx: 1\nX: 2\nno colon\nlist: :include:/etc/list, \"|/bin/x y\"\n");
        File.WriteAllText(Path.Combine(directory, "two"), "y: 1\n");
    }

    private async Task CompareAsync(string databases, string line)
    {
        var own = Directory.CreateDirectory(Path.Combine(directory, Guid.NewGuid().ToString("N"))).FullName;
        MakeFiles(own);
        var (mine, judge) = (Path.Combine(own, "ours"), Path.Combine(own, "theirs"));
        string[] words = line.Replace("%", own).Split(' ');
        var settings = $"compatibility_level = 3.6\ndefault_database_type = hash\nalias_database = {databases.Replace("%", own)}\n";
        await File.WriteAllTextAsync(Path.Combine(judge, "main.cf"), settings, Stop);
        await File.WriteAllTextAsync(
            Path.Combine(mine, "main.cf"), $"{settings}database_url = {new NpgsqlConnectionStringBuilder(database.ConnectionString).ConnectionString}\n", Stop);
        var theirs = await PostfixCommand.RunAsync(words[0], ["-C", judge, .. words[1..]]);
        var ours = await RunAsync(words[0], ["-C", mine, .. words[1..]]);
        (ours.Exit, ours.Output, Place.Replace(ours.Error, "")).ShouldBe((theirs.Exit, theirs.Output, Place.Replace(theirs.Error, "")));
        foreach (var name in (string[])["one", "two"])
        {
            const string keys = "root\nx\nlist\ny\nnone\n";
            var table = (databases.Contains("btree") && name == "two" ? "btree:" : "hash:") + Path.Combine(own, name);
            var answer = await PostfixCommand.RunWithInputAsync("postmap", keys, "-c", judge, "-q", "-", table);
            var here = await new OurPostmap(database).RunAsync("postmap", Encoding.UTF8.GetBytes(keys), ["-q", "-", table], Stop);
            (here.Exit, here.Output).ShouldBe((answer.Exit, answer.Output), table);
        }
    }

    [GeneratedRegex(@", line \d+(?=: duplicate entry)|(?<=[a-z0-9])\.db(?=[: ])")]
    private static partial Regex Place { get; }

    private static async Task<(int Exit, string Output, string Error)> RunAsync(string name, string[] arguments)
    {
        var output = new MemoryStream();
        var error = new StringWriter { NewLine = "\n" };
        int exit;
        using (var terminal = new Terminal(name, new MemoryStream(), output, error))
        {
            exit = await SendmailCommand.RunAsync(terminal, arguments, Stop);
        }

        return (exit, Encoding.UTF8.GetString(output.ToArray()), error.ToString());
    }
}
