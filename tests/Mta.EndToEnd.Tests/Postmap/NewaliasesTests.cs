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
public sealed partial class NewaliasesTests(PostmapOptionTests.Shared shared) : IClassFixture<PostmapOptionTests.Shared>, IAsyncLifetime
{
    private readonly string directory = Directory.CreateTempSubdirectory("mta-newaliases-").FullName;
    private readonly TestDatabase database = shared.Database;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string Ours => Path.Combine(directory, "ours");

    private string Theirs => Path.Combine(directory, "theirs");

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(Ours);
        Directory.CreateDirectory(Theirs);
        await File.WriteAllTextAsync(Path.Combine(directory, "one"), "root: alice,\n  bob\nx: 1\nX: 2\nno colon\nlist: :include:/etc/list, \"|/bin/x y\"\n");
        await File.WriteAllTextAsync(Path.Combine(directory, "two"), "y: 1\n");
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(directory, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData("hash:%/one", "newaliases")]
    [InlineData("hash:%/one, btree:%/two", "newaliases")]
    [InlineData("%/two", "sendmail -bi")]
    [InlineData("hash:%/one", "sendmail -I")]
    [InlineData("hash:%/none hash:%/two", "newaliases")]
    [InlineData("hash:%/two hash:%/none", "newaliases")]
    [InlineData("", "newaliases")]
    [InlineData("texthash:%/one", "newaliases")]
    [InlineData("regexp:%/one", "newaliases")]
    [InlineData("static:x", "newaliases")]
    [InlineData("proxy:hash:%/one", "newaliases")]
    [InlineData("nis:x", "newaliases")]
    [InlineData("{hash:%/one}", "newaliases")]
    [InlineData("hash:%/one", "newaliases x")]
    [InlineData("hash:%/one", "sendmail -bi x")]
    [InlineData("hash:%/one", "sendmail -bi -t")]
    [InlineData("hash:%/one", "newaliases -oA%/two")]
    [InlineData("hash:%/one", "sendmail -bi -oAhash:%/two,hash:%/one")]
    [InlineData("hash:%/one", "sendmail -bi -oA")]
    [InlineData("hash:%/one", "sendmail -bp -bi")]
    [InlineData("hash:%/one", "mailq x")]
    [InlineData("hash:%/one", "sendmail -q x")]
    [InlineData("hash:%/one", "sendmail -qIabc x")]
    [InlineData("hash:%/one", "sendmail -qRexample.com x")]
    [InlineData("hash:%/one", "sendmail -bs x")]
    public async Task Alias_databases_are_built_as_by_Debians(string databases, string line)
    {
        string[] words = line.Replace("%", directory).Split(' ');
        var settings = $"compatibility_level = 3.6\ndefault_database_type = hash\nalias_database = {databases.Replace("%", directory)}\n";
        await File.WriteAllTextAsync(Path.Combine(Theirs, "main.cf"), settings, Stop);
        await File.WriteAllTextAsync(
            Path.Combine(Ours, "main.cf"), $"{settings}database_url = {new NpgsqlConnectionStringBuilder(database.ConnectionString).ConnectionString}\n", Stop);
        var theirs = await PostfixCommand.RunAsync(words[0], ["-C", Theirs, .. words[1..]]);
        var ours = await RunAsync(words[0], ["-C", Ours, .. words[1..]]);
        (ours.Exit, ours.Output, Place.Replace(ours.Error, "")).ShouldBe((theirs.Exit, theirs.Output, Place.Replace(theirs.Error, "")));
        foreach (var name in (string[])["one", "two"])
        {
            var table = (databases.Contains("btree") && name == "two" ? "btree:" : "hash:") + Path.Combine(directory, name);
            foreach (var key in (string[])["root", "x", "list", "y", "none"])
            {
                var answer = await PostfixCommand.RunAsync("postmap", "-c", Theirs, "-q", key, table);
                var mine = await new OurPostmap(database).RunAsync("postmap", [], ["-q", key, table], Stop);
                (mine.Exit, mine.Output).ShouldBe((answer.Exit, answer.Output), $"{table} {key}");
            }
        }
    }

    [Fact]
    public async Task Verbose_is_passed_on()
    {
        await File.WriteAllTextAsync(
            Path.Combine(Ours, "main.cf"), $"compatibility_level = 3.6\nalias_database = hash:{directory}/two\ndatabase_url = {database.ConnectionString}\n", Stop);
        (await RunAsync("newaliases", ["-C", Ours, "-v"])).Error.ShouldContain($"postalias: open hash {directory}/two\n");
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
