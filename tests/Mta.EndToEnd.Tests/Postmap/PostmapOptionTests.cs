using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Mta.Testing;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Postmap;

/// <summary>Command lines of postmap and postalias, one after the other over the same files, in both programs.</summary>
public sealed partial class PostmapOptionTests(PostmapOptionTests.Shared shared) : IClassFixture<PostmapOptionTests.Shared>, IDisposable
{
    private readonly string directory = MakeFiles();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    /// <summary>Each step is a command line, and after <c>&lt;</c> its input; % is the directory.</summary>
    [Theory]
    [InlineData("duplicates in a file", "hash:%/m", "-s hash:%/m", "-w hash:%/m", "-s hash:%/m", "-r hash:%/m", "-s hash:%/m", "-rw hash:%/m", "-s hash:%/m", "-wr hash:%/m", "-s hash:%/m")]
    [InlineData("duplicates that are added", "hash:%/m", "-i hash:%/m<a 9\\nn 1\\n", "-s hash:%/m", "-iw hash:%/m<a 9\\nw 1\\n", "-s hash:%/m", "-ir hash:%/m<a 9\\nr 1\\nr 2\\n", "-s hash:%/m", "-irw hash:%/m<a 8\\n", "-iwr hash:%/m<b 8\\n", "-s hash:%/m")]
    [InlineData("a table that is made by -i", "-i hash:%/new<", "-s hash:%/new", "-q x hash:%/new", "-i -i hash:%/new<x 1\\n", "-s hash:%/new", "-i -s hash:%/new", "-i -q x hash:%/new")]
    [InlineData("keys that are not there", "hash:%/m", "hash:%/t", "-d nope hash:%/m", "-d nope hash:%/m hash:%/t", "-d z hash:%/m hash:%/t", "-d z hash:%/m hash:%/t", "-d - hash:%/m<nope\\na\\n", "-d - hash:%/m<a\\n", "-d - hash:%/m<", "-d '' hash:%/m", "-q '' hash:%/m", "-q - hash:%/m<", "-s hash:%/m")]
    [InlineData("keys that keep their case", "-f hash:%/t", "-s hash:%/t", "-q Zed hash:%/t", "-fq Zed hash:%/t", "-fq zed hash:%/t", "-fd zed hash:%/t", "-fi hash:%/t<ZED 1\\nZed 2\\n", "-s hash:%/t", "-fd ZED hash:%/t", "-s hash:%/t", "-fq Zed texthash:%/t", "-fq zed texthash:%/t", "-fs texthash:%/t", "-s texthash:%/t")]
    [InlineData("letters that are not ASCII", "hash:%/utf8", "-s hash:%/utf8", "-q É hash:%/utf8", "-u hash:%/utf8", "-s hash:%/utf8", "-uq É hash:%/utf8", "-uq é hash:%/utf8", "-uq EÉ hash:%/utf8", "-q é hash:%/utf8", "-fu hash:%/utf8", "-s hash:%/utf8")]
    [InlineData("lines that are no UTF-8", "hash:%/bytes", "-s hash:%/bytes", "-q - hash:%/bytes<x\\xff\\ny\\n")]
    [InlineData("keys and results that are no UTF-8", "-q x pcre:%/patterns", "-q - pcre:%/patterns<q\\xff\\nok\\n", "-q - pcre:%/patterns<x\\n", "-uq - pcre:%/patterns<x\\nq\\xff\\n\\xc3\\x89\\n", "-Uq - pcre:%/patterns<x\\n")]
    [InlineData("messages that are no UTF-8", "-hq - pcre:%/patterns<Subject: \\xff\\nFrom: x\\n\\nbody \\xfe\\nok\\n", "-hUq - pcre:%/patterns<Subject: \\xff\\nTo: y\\n\\nbody \\xfe\\nok\\n", "-bUq - pcre:%/patterns<Subject: \\xff\\n\\nbody \\xfe\\nok\\n", "-buUq - pcre:%/patterns<Subject: \\xff\\n\\nbody \\xfe\\nok\\n", "-bUq - pcre:%/patterns<\\n\\nx\\n")]
    [InlineData("options without a meaning here", "-N hash:%/t", "-q zed hash:%/t", "-N -q zed hash:%/t", "-n -i hash:%/t<", "-p hash:%/t", "-o hash:%/t", "-pons hash:%/t")]
    [InlineData("files as values", "-F hash:%/files", "-s hash:%/files", "-Fs hash:%/files", "-Fq one hash:%/files", "-q one hash:%/files", "-Fq - hash:%/files<one\\n", "-Fi hash:%/files<new %/value\\nbad %/none\\n", "-Fs hash:%/files", "hash:%/t", "-Fq zed hash:%/t")]
    [InlineData("-m without a message", "hash:%/t", "-mq - hash:%/t<zed\\n", "-ms hash:%/t")]
    [InlineData("the first table of a list", "hash:%/m", "hash:%/t", "-s hash:%/m hash:%/t", "-s hash:%/t hash:%/m", "-q zed hash:%/m hash:%/t", "-q - hash:%/m hash:%/t<zed\\na\\nnone\\n", "-d a hash:%/t hash:%/m", "%/t %/m", "-s %/t")]
    public Task Debians_postmap_does_the_same(string about, params string[] steps) => CompareAsync("postmap", about, steps);

    /// <summary>Side by side, for Postfix sleeps for a second before it ends with a fatal error.</summary>
    [Theory]
    [InlineData("wrong combinations", "-q x -d y hash:%/m", "-s -q x hash:%/m", "-s -d x hash:%/m", "-q x -q y hash:%/m", "-q - -q a hash:%/m", "-b hash:%/m", "-hq a hash:%/m", "-m -d - hash:%/m")]
    [InlineData("wrong tables", "hash:", "-q a hash:", "-d a hash:", "-s hash:", "-q a :x", "-s :x", "hash:%/none", "-q a nosuch:x", "-s nosuch:x", "-d a nosuch:x", "-i texthash:%/t<", "-i pcre:%/t<", "-i static:x<", "-i fail:x<", "-i fail:x<a 1\\n", "fail:%/t", "-q a fail:x", "-d a fail:x", "-s fail:x", "-d a static:x", "-d a environ:x", "-d a texthash:%/t", "-d a pcre:%/patterns", "-d a cidr:%/t", "-d a inline:{a=b}", "-d a unionmap:{static:x}", "-d a tcp:localhost:1", "-s static:x", "-s environ:x", "-s cidr:{{1.2.3.4 x}}", "-s regexp:{{/x/ y}}", "-s inline:{{a = b}}")]
    public Task Debians_postmap_refuses_the_same(string about, params string[] steps) =>
        Task.WhenAll(steps.Select(s => CompareAsync("postmap", about, [s])));

    [Theory]
    [InlineData("aliases", "hash:%/aliases", "-s hash:%/aliases", "-q ROOT hash:%/aliases", "-q - hash:%/aliases<root\\nnone\\n", "-d root hash:%/aliases", "-d root hash:%/aliases", "-i hash:%/aliases<x: 2\\n\"q r\": 1\\nX: 3\\n", "-s hash:%/aliases", "-ir hash:%/aliases<x: 4\\nX: 5\\n", "-s hash:%/aliases", "-iw hash:%/aliases<x: 6\\n", "-d 'q r' hash:%/aliases")]
    [InlineData("aliases with case", "-f hash:%/aliases", "-q Foo hash:%/aliases", "-fq Foo hash:%/aliases", "-r hash:%/aliases", "-q x hash:%/aliases", "-w hash:%/aliases", "-q x hash:%/aliases", "-N -o -p -u hash:%/aliases")]
    [InlineData("misuse of aliases", "-s -q x hash:%/aliases", "-q x -d y hash:%/aliases", "hash:%/none", "texthash:%/aliases", "-d x static:x", "-s static:x", "-i pcre:%/aliases<", "nosuch:%/aliases")]
    public Task Debians_postalias_does_the_same(string about, params string[] steps) => CompareAsync("postalias", about, steps);

    [Theory]
    [InlineData("postmap", "-Z")]
    [InlineData("postmap", "-q")]
    [InlineData("postmap", "-q", "x")]
    [InlineData("postmap", "-c")]
    [InlineData("postalias", "-b", "x")]
    [InlineData("postalias", "-q", "x")]
    [InlineData("postalias")]
    public async Task Misuse_shows_the_usage_as_Debians_does(string name, params string[] arguments)
    {
        var ours = await new OurPostmap(shared.Database).RunAsync(name, [], arguments, Stop);
        var theirs = await PostfixCommand.RunAsync(name, arguments);
        ours.Exit.ShouldBe(theirs.Exit);
        Usage.Replace(ours.Error, "usage").ShouldBe(Usage.Replace(theirs.Error, "usage"));
    }

    [Fact]
    public async Task Verbose_says_what_is_opened_and_done_and_twice_verbose_what_is_looked_up()
    {
        var file = Path.Combine(directory, "t");
        (await RunAsync("postmap", "-v", "hash:" + file)).Error.Split('\n').ShouldBe(
            [$"postmap: open hash {file}", $"postmap: database {shared.Database.Name} at {shared.Host}", $"postmap: hash:{file}: 1 entries, in one transaction", ""]);
        var query = await RunAsync("postmap", "-vv", "-q", "Zed", "hash:" + file);
        query.Output.ShouldBe("1\n");
        query.Error.ShouldStartWith($"postmap: dict_open: hash:{file}\n");
        query.Error.ShouldEndWith($"postmap: dict_lookup: hash:{file}: Zed = 1\n");
        (await RunAsync("postmap", "-v", "-d", "zed", "hash:" + file)).Error.ShouldEndWith($"postmap: hash:{file}: 1 entries deleted\n");
    }

    [Theory]
    [InlineData("postmap", 20)]
    [InlineData("postalias", 15)]
    public async Task Help_names_every_option_also_those_that_mean_nothing_here(string name, int count)
    {
        var (exit, output, _) = await RunAsync(name, "--help");
        exit.ShouldBe(0);
        output.Split('\n').Where(l => l.StartsWith("  -", StringComparison.Ordinal))
            .SelectMany(l => Letter.Matches(l)).Select(m => m.Value).Distinct().Count().ShouldBe(count);
        output.ShouldContain("no meaning here");
    }

    /// <summary>Whoever may write the source file shall not read with root's rights what he names in it.</summary>
    [Fact]
    public async Task Files_that_somebody_elses_table_names_are_read_with_his_rights()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root has rights to give up");
        File.SetUnixFileMode(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        var value = Path.Combine(directory, "value");
        var file = Path.Combine(directory, "his");
        await File.WriteAllTextAsync(file, $"one {value}\n", Stop);
        await Process.Start("chown", ["nobody", file]).WaitForExitAsync(Stop);
        (await RunAsync("postmap", "-F", "hash:" + file)).ShouldBe((0, "", ""));
        (await RunAsync("postmap", "-Fq", "one", "hash:" + file)).Output.ShouldBe("content\n\n");
        File.SetUnixFileMode(value, UnixFileMode.UserRead);
        (await RunAsync("postmap", "-F", "hash:" + file)).ShouldBe(
            (0, "", $"postmap: warning: {file}, line 1: open {value}: Permission denied: skipping this entry\n"));
        (await RunAsync("postmap", "-s", "hash:" + file)).Output.ShouldBe("");
        (await RunAsync("postmap", "-oF", "hash:" + file)).ShouldBe((0, "", ""));
        (await RunAsync("postmap", "-Fq", "one", "hash:" + file)).Output.ShouldBe("content\n\n");
    }

    [GeneratedRegex("usage: .*")]
    private static partial Regex Usage { get; }

    [GeneratedRegex(" -[A-Za-z](?= )")]
    private static partial Regex Letter { get; }

    [GeneratedRegex(@", line \d+(?=: duplicate entry)|(?<=[a-z0-9])\.db(?=[: ])|\. Is the .*")]
    private static partial Regex Place { get; }

    [GeneratedRegex(@"'([^']*)'|(\S*\{.*\}\S*)|(\S+)")]
    private static partial Regex Word { get; }

    [GeneratedRegex(@"\\x(..)")]
    private static partial Regex Byte { get; }

    private static string MakeFiles()
    {
        var directory = Directory.CreateTempSubdirectory("mta-postmap-options-").FullName;
        void Write(string name, string text) => File.WriteAllText(Path.Combine(directory, name), text, Encoding.Latin1);
        Write("m", "a 1\nB 2\nA 3\nb 4\nlong one\n  two\n\"q u\" x\n");
        Write("t", "Zed 1\n");
        Write("utf8", Encoding.Latin1.GetString("É 1\nEÉ 2\n"u8));
        Write("bytes", "x\xff 1\nok \xfe\ny 2\n");
        Write("patterns", "/x/ X\xff\n/./ dot\n");
        Write("value", "content\n");
        Write("files", $"one {directory}/value\ntwo {directory}/none\nthree {directory}/value, {directory}/value\n");
        Write("aliases", "root: admin, other@x\n  third\nFoo: bar\nx: 1\nX: 2\n");
        return directory;
    }

    private static string Unescape(string text) =>
        Byte.Replace(text.Replace("\\n", "\n"), m => ((char)Convert.ToInt32(m.Groups[1].Value, 16)).ToString());

    /// <summary>Debian adds a question about its packages; a line says the table where Postfix names its index file, and the duplicate's line where Postfix says none.</summary>
    private static string[] Messages(string error) => [.. Place.Replace(error, "").Split('\n').Where(l => !l.StartsWith("BDB", StringComparison.Ordinal))];

    /// <summary>postalias -s shows names in quotes where they need some, as Postfix 3.12 does.</summary>
    [GeneratedRegex("^\"(.*)\"(?=:\t)", RegexOptions.Multiline)]
    private static partial Regex QuotedName { get; }

    private static IEnumerable<string> Sorted(string output) =>
        QuotedName.Replace(output, "$1").Split('\n').Where(l => l is not ['@', ..] && !l.StartsWith("YP_", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    private async Task CompareAsync(string name, string about, string[] steps)
    {
        foreach (var step in steps)
        {
            var parts = step.Replace("%", directory).Split('<', 2);
            string[] arguments = [.. Word.Matches(parts[0]).Select(m => m.Groups.Values.Skip(1).First(g => g.Success).Value)];
            var input = Unescape(parts.ElementAtOrDefault(1) ?? "");
            var judging = PostfixCommand.RunAsync(name, input, Encoding.Latin1, ["-c", shared.Directory, .. arguments]);
            var ours = await new OurPostmap(shared.Database).RunAsync(name, Encoding.Latin1.GetBytes(input), arguments, Stop, Encoding.Latin1);
            var theirs = await judging;
            var hint = $"{about}: {name} {step}\nours: {ours}\ntheirs: {theirs}";
            ours.Exit.ShouldBe(theirs.Exit, hint);
            Sorted(ours.Output).ShouldBe(Sorted(theirs.Output), hint);
            Messages(ours.Error).ShouldBe(Messages(theirs.Error), hint);
        }
    }

    private Task<(int Exit, string Output, string Error)> RunAsync(string name, params string[] arguments) =>
        new OurPostmap(shared.Database).RunAsync(name, [], arguments, Stop);

    public sealed class Shared : IAsyncLifetime
    {
        internal string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("mta-postmap-options-").FullName;

        internal TestDatabase Database { get; private set; } = null!;

        internal string Host { get; private set; } = "";

        public async ValueTask InitializeAsync()
        {
            Database = await TestDatabase.CreateAsync();
            Host = new Npgsql.NpgsqlConnectionStringBuilder(Database.ConnectionString).Host!;
            await File.WriteAllTextAsync(Path.Combine(Directory, "main.cf"), "compatibility_level = 3.6\n");
        }

        public async ValueTask DisposeAsync()
        {
            System.IO.Directory.Delete(Directory, recursive: true);
            await Database.DisposeAsync();
        }
    }
}
