using System.Text;
using Mta.Core.Config;
using Mta.Storage.Connections;
using Mta.Testing;
using Mta.Tools;
using Mta.Tools.Postmap;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Postmap;

public sealed class PostmapTests : IAsyncLifetime
{
    private readonly string directory = Directory.CreateTempSubdirectory("mta-postmap-").FullName;
    private TestDatabase database = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => database = await TestDatabase.CreateAsync();

    public async ValueTask DisposeAsync()
    {
        Directory.Delete(directory, recursive: true);
        await database.DisposeAsync();
    }

    [Fact]
    public async Task Debians_postmap_says_the_same_of_the_same_file()
    {
        var file = Write("m", """
              lead	x
            # comment
            Foo bar  baz
            "a b" quoted1
            "a b"@c.d quoted2
            "plain"@c.d quoted3
            "esc\"q\\x" quoted4
            multiline one
              two

            # between
              three
            foo dup
            noval
            "unterminated x
            "noval2"
            alias: v
            "x"y"z w" v9
            last val
            """);
        File.WriteAllText(Path.Combine(directory, "main.cf"), "compatibility_level = 3.6\n");
        var (exit, _, built) = await RunAsync(["hash:" + file]);
        exit.ShouldBe(0);
        var theirs = await PostfixCommand.RunAsync("postmap", "-c", directory, "hash:" + file);

        // Postfix names the table where we name the line, as its texthash: does.
        Lines(built).Where(l => !l.Contains("duplicate entry")).ShouldBe(Lines(theirs.Error).Where(l => !l.Contains("duplicate entry")));
        Lines(built).ShouldContain($"postmap: warning: {file}, line 13: duplicate entry: \"foo\"");

        var ours = (await RunAsync(["-s", "hash:" + file])).Output;
        Lines(ours).Order(StringComparer.Ordinal).ShouldBe(
            Lines((await PostfixCommand.RunAsync("postmap", "-c", directory, "-s", "hash:" + file)).Output).Order(StringComparer.Ordinal));
        Lines((await RunAsync(["-s", "texthash:" + file])).Output).Order(StringComparer.Ordinal).ShouldBe(
            Lines((await PostfixCommand.RunAsync("postmap", "-c", directory, "-s", "texthash:" + file)).Output).Order(StringComparer.Ordinal));

        foreach (var key in (string[])["Foo", "\"a b\"", "a b", "\"A B\"@c.d", "\"esc\\\"q\\\\x\"", "none", "multiline"])
        {
            foreach (var type in (string[])["hash", "texthash"])
            {
                var mine = await RunAsync(["-q", key, $"{type}:{file}"]);
                var other = await PostfixCommand.RunAsync("postmap", "-c", directory, "-q", key, $"{type}:{file}");
                (mine.Exit, mine.Output).ShouldBe((other.Exit, other.Output), $"{type} {key}");
            }
        }
    }

    [Fact]
    public async Task Debians_postalias_says_the_same_of_the_same_file()
    {
        var file = Write("aliases", """
            # comment
            root: admin, other@x
              third
            Foo@bar: x
            noval:
            no colon here
            cmd: "|/bin/prog arg", :include:/tmp/x
            long: "|cmd a,b", "|x"y z, (comment) abc <bb@c>
            """);
        File.WriteAllText(Path.Combine(directory, "main.cf"), "compatibility_level = 3.6\n");
        var theirs = await PostfixCommand.RunAsync("postalias", "-c", directory, "hash:" + file);
        var ours = await RunAsync(["hash:" + file], aliases: true);
        Lines(ours.Error).ShouldBe(Lines(theirs.Error));

        // Postfix adds entries that are for NIS only.
        var listed = Lines((await PostfixCommand.RunAsync("postalias", "-c", directory, "-s", "hash:" + file)).Output).Where(l => l[0] is not ('@' or 'Y'));
        Lines((await RunAsync(["-s", "hash:" + file], aliases: true)).Output).ShouldBe(listed.Order(StringComparer.Ordinal));
        (await RunAsync(["-q", "-", "hash:" + file], input: "ROOT\nnone\n", aliases: true)).ShouldBe((0, "ROOT:\tadmin, other@x third\n", ""));
    }

    [Fact]
    public async Task Keys_from_standard_input_are_answered_line_by_line()
    {
        var file = await BuildAsync("a 1\nb 2\n");
        (await RunAsync(["-q", "-", "hash:" + file], input: "A\nnone\n\nb")).ShouldBe((0, "A\t1\nb\t2\n", ""));
        (await RunAsync(["-q", "-", "hash:" + file], input: "none\n")).ShouldBe((1, "", ""));
        (await RunAsync(["-j", "-q", "-", "hash:" + file], input: "a\n")).ShouldBe((0, "{\"a\": \"1\"}\n", ""));
    }

    [Fact]
    public async Task Entries_are_added_and_deleted()
    {
        var file = await BuildAsync("a 1\n");
        (await RunAsync(["-i", "hash:" + file], input: "a 2\nB 3\n")).ShouldBe((0, "", $"postmap: warning: {file}: duplicate entry: \"a\"\n"));
        (await RunAsync(["-iw", "hash:" + file], input: "a 2\n")).ShouldBe((0, "", ""));
        (await RunAsync(["-s", "hash:" + file])).Output.ShouldBe("a\t1\nb\t3\n");
        (await RunAsync(["-ir", "hash:" + file], input: "a 2\n")).ShouldBe((0, "", ""));
        (await RunAsync(["-q", "a", "hash:" + file])).ShouldBe((0, "2\n", ""));
        (await RunAsync(["-d", "A", "hash:" + file])).ShouldBe((0, "", ""));
        (await RunAsync(["-d", "A", "hash:" + file])).ShouldBe((1, "", ""));
        (await RunAsync(["-d", "-", "hash:" + file], input: "x\nb\n")).ShouldBe((0, "", ""));
        (await RunAsync(["-s", "hash:" + file])).ShouldBe((0, "", ""));
    }

    [Fact]
    public async Task Keys_can_keep_their_case()
    {
        var file = await BuildAsync("Key 1\n", "-f");
        (await RunAsync(["-q", "Key", "hash:" + file])).Exit.ShouldBe(1);
        (await RunAsync(["-fq", "Key", "hash:" + file])).Output.ShouldBe("1\n");
    }

    [Fact]
    public async Task Tables_without_a_file_are_read_and_changed()
    {
        (await RunAsync(["sql:mine"])).Error.ShouldBe("postmap: fatal: sql:mine has no source file; add entries with -i, or by SQL\n");
        (await RunAsync(["-i", "sql:mine"], input: "Key value\n")).ShouldBe((0, "", ""));
        (await RunAsync(["-q", "KEY", "sql:mine"])).ShouldBe((0, "value\n", ""));
        (await RunAsync(["-s", "sql:mine"])).ShouldBe((0, "key\tvalue\n", ""));
        (await RunAsync(["-q", "key", "unionmap:{sql:mine,static:x}"])).ShouldBe((0, "value,x\n", ""));
    }

    [Theory]
    [InlineData("pcre", "/^one(.)/ $1\nif /^two/\n/./ 2\nendif\n", "oneX", "X")]
    [InlineData("regexp", "# comment\n/^one/\n   first\n", "ONE", "first")]
    [InlineData("cidr", "10.0.0.0/8 ten\n[2001:db8::]/32 doc\n", "2001:db8::1", "doc")]
    public async Task Files_of_patterns_can_be_stored(string type, string text, string key, string value)
    {
        var table = $"{type}:{Write("patterns", text)}";
        (await RunAsync([table])).ShouldBe((0, "", ""));
        File.Delete(Path.Combine(directory, "patterns"));
        (await RunAsync(["-q", key, table])).ShouldBe((0, value + "\n", ""));
        (await RunAsync(["-q", "none", table])).Exit.ShouldBe(1);
    }

    [Fact]
    public async Task A_file_of_patterns_with_a_mistake_is_refused_with_its_line()
    {
        var file = Write("patterns", "/ok/ 1\n\n/un(/ 2\n");
        var (exit, _, error) = await RunAsync(["pcre:" + file]);
        exit.ShouldBe(1);
        error.ShouldStartWith($"postmap: warning: pcre map {file}, line 3: ");
        error.ShouldEndWith($"postmap: fatal: {file} is not stored: mend these lines first\n");
    }

    [Fact]
    public async Task Values_can_be_files()
    {
        var one = Write("one", "first");
        var two = Write("two", "second");
        var file = await BuildAsync($"key {one}, {two}\n", "-F");
        (await RunAsync(["-q", "key", "hash:" + file])).Output.ShouldBe("Zmlyc3QKc2Vjb25k\n");
        (await RunAsync(["-Fq", "key", "hash:" + file])).Output.ShouldBe("first\nsecond\n");
    }

    [Theory]
    [InlineData("specify only one of -s -q or -d", "-s", "-q", "x", "hash:/m")]
    [InlineData("open /none: No such file or directory", "/none")]
    [InlineData("open database /none: No such table", "-q", "x", "hash:/none")]
    [InlineData("open database /none: No such table", "-s", "lmdb:/none")]
    [InlineData("unsupported dictionary type: foo", "-q", "x", "foo:/none")]
    [InlineData("table static:x: sequence operation is not supported", "-s", "static:x")]
    [InlineData("texthash:/m map requires O_RDONLY access mode", "-d", "x", "texthash:/m")]
    [InlineData("unsupported dictionary type: texthash does not support bulk-mode creation.", "texthash:/etc/passwd")]
    [InlineData("specify -b -h or -m only with \"-q -\"", "-b", "-q", "x", "hash:/m")]
    public async Task Misuse_is_fatal(string reason, params string[] arguments) =>
        (await RunAsync(arguments)).ShouldBe((1, "", $"postmap: fatal: {reason}\n"));

    [Fact]
    public async Task An_unknown_option_shows_the_usage()
    {
        var (exit, _, error) = await RunAsync(["-Z"]);
        exit.ShouldBe(1);
        error.ShouldStartWith("postmap: invalid option -- 'Z'\npostmap: fatal: usage: postmap ");
    }

    [Fact]
    public async Task The_command_reads_main_cf_and_finds_the_database()
    {
        var server = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        Write("main.cf", $"compatibility_level = 3.6\ndefault_database_type = lmdb\ndatabase_url = {server.ConnectionString}\n");
        var file = Write("aliases", "root: alice\n");
        using (var terminal = Start("postalias", "", out _, out var error))
        {
            (await MapCommands.PostaliasAsync(terminal, ["-c", directory, file], Stop)).ShouldBe(0, error.ToString());
        }

        (await RunAsync(["-q", "root", "hash:" + file])).Output.ShouldBe("alice\n");
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static Terminal Start(string name, string input, out MemoryStream output, out StringWriter error)
    {
        output = new MemoryStream();
        error = new StringWriter { NewLine = "\n" };
        return new Terminal(name, new MemoryStream(Encoding.UTF8.GetBytes(input)), output, error);
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(directory, name);
        File.WriteAllText(path, text);
        return path;
    }

    private async Task<string> BuildAsync(string text, params string[] options)
    {
        var file = Write("table", text);
        (await RunAsync([.. options, file])).ShouldBe((0, "", ""));
        return file;
    }

    private async Task<(int Exit, string Output, string Error)> RunAsync(string[] arguments, string input = "", bool aliases = false)
    {
        MemoryStream output;
        StringWriter error;
        int exit;
        using (var terminal = Start(aliases ? "postalias" : "postmap", input, out output, out error))
        {
            exit = await MapTool.RunAsync(terminal, arguments, aliases, Host([new("default_database_type", "hash")]), Stop);
        }

        return (exit, Encoding.UTF8.GetString(output.ToArray()), error.ToString());
    }

    private MapToolHost Host(KeyValuePair<string, string>[] settings) =>
        new((_, _) => Task.FromResult<Settings?>(new Settings(settings)), (_, _) => Task.FromResult(DatabasePool.FromNpgsqlDataSource(database.DataSource)));
}
