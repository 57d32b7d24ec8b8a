using Mta.EndToEnd.Tests.Postmap;
using Mta.Services.Clients;
using Mta.Services.Maps;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Tables;

/// <summary>Files of patterns, asked here and by Debian's postmap.</summary>
public sealed class PatternTableTests : IDisposable
{
    private const string Cidr = """
        # networks
        10.0.0.0/8 ten
        if 192.168.0.0/16
        192.168.1.0/24 inner
        !192.168.2.0/23 outer  text
        endif
        [::1]/128 loop
        2001:db8::/32
          continued
        if !1.2.3.4
        5.6.7.8 five
        ENDIF
        1.2.3.4
        10.0.0.1/8 bad
        foo bar
        if
        endif text
        endif
        !0.0.0.0/0 six
        1.2.3.4 last
        if 5.0.0.0/8
        """;

    private const string Regexp = """
        /^a(b)(c)?$/ x$1-${2}-$(1)$$y
        /^UP/ caps
        /^low/i exact
        /[[:digit:]]{3}[]a-]\.\/$/ class
        /^(a|ab)(c|bcd)(d*)$/ $1
        /^x\(y\)\{2\}\|+$/x basic $1
        /^line$/m line
        /a+?b*$/ twice
        /^[^\n.]\w\<word\>/ gnu
        !/[f-z]/ neg
        !/nomatch$/ neg $1
        /^empty$/
        if /foo/
        /bar/!/baz/ two
        if !/quux/
        /foo(.)$/ [$1]
        endif
        /bar/ $7
        endif
        if /x/ extra
        endif extra
        endif
        foo bar
        /unterminated
        /bad(/ res
        /a/q flag
        /a\/b/ slash
        /ab/ basic $z
        |^bars$| bars
        if
        """;

    private const string Pcre = """
        /^a(b)(c)?$/ x$1-${2}-$(1)$$y
        /^UP/ caps
        /^low/i exact
        /^\d{3}[\w-]+\.\/$/ class
        /^(?<first>\w+?)-(?P<second>[[:alpha:]]++)-\k<first>$/ ${2}$1
        /^(?i-s:a.c)\x41\x{42}\h\Q.*\E$/i odd
        /^a++ab/ never
        /^po(?>ss)*+ess$/ poss
        /^lazy(.+?)(z*)$/U $1|$2
        / ^ spaced \  out # comment
        /^ s p a c e d [ ] $/x spaced
        /anchored/A anch
        /end$/E end
        /^line$/m line
        /a.b/s dot
        /^(x)(?:(y)|(z))\g{-1}?$/ $1$2$3
        /[^\D5]{2}q$/ digits
        !/[f-z]/ neg
        if /foo/
        /foo(?=bar)(.*)/ look $1
        if !/quux/
        /foo(.)$/ [$1]
        endif
        endif
        /bad(/ res
        /a/q flag
        /ab/ $3
        /^([[:alpha:]_]+)[][]$/ brackets $1
        """;

    private readonly string directory = Directory.CreateTempSubdirectory("mta-patterns-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public Task Cidr_tables_answer_as_Debians() => CompareAsync(
        "cidr", Cidr, true, "10.1.1.1", "192.168.1.5", "192.168.2.5", "192.168.9.9", "::1", "2001:DB8::6", "5.6.7.8", "1.2.3.4", "host", "1.2.3", "fe80::1");

    [Fact]
    public Task Regexp_tables_answer_as_Debians() => CompareAsync(
        "regexp", Regexp, false, "abc", "ab", "UPPER", "upper", "low", "LOW", "123]./", "123-./", "xyy|+", "xyyy", "a\nline\nb", "aab", "bword",
        "abcd", "abcdd", "edcba", "foobar", "foobarbaz", "foox", "fooquuxx", "a/b", "bars", "empty", "nomatch", "z");

    [Fact]
    public Task Pcre_tables_answer_as_Debians() => CompareAsync(
        "pcre", Pcre, false, "abc", "ab", "UPPER", "low", "LOW", "123a-b./", "ab-cd-ab", "ab-c1-ab", "abcAB .*", "aab", "possss", "possessess", "poess",
        "lazyabzz", "spaced ", "xanchored", "anchored", "the end", "the end\n", "a\nline\nb", "a\nb", "xyy", "xzz", "xy", "12q", "15q", "foobarx", "foox",
        "fooquuxx", "abc_[", "édzz", "z");

    [Theory]
    [InlineData("cidr:{{1.2.3.4 a}, {0.0.0.0/0 b c}}", "1.2.3.4")]
    [InlineData("cidr:{{1.2.3.4 a}, {0.0.0.0/0 b c}}", "1.2.3.5")]
    [InlineData("cidr:{1.2.3.4 a}", "1.2.3.5")]
    [InlineData("regexp:{{/k(.)/ r$1}}", "key")]
    [InlineData("pcre:{{if /k/}, {/e/ r}, {endif}, {/./ other}}", "key")]
    [InlineData("pcre:{{if /k/}, {/e/ r}, {endif}, {/./ other}}", "a")]
    [InlineData("regexp:{}", "a")]
    [InlineData("unionmap:{static:a,inline:{k=b},inline:{k=c}}", "k")]
    [InlineData("unionmap:{inline:{k=b},fail:x}", "k")]
    [InlineData("unionmap:{inline:{k=b},fail:x}", "j")]
    [InlineData("unionmap:{}", "k")]
    [InlineData("pipemap:{inline:{k=v},inline:{v=w}}", "K")]
    [InlineData("pipemap:{inline:{k=v},inline:{x=w}}", "k")]
    [InlineData("pipemap:{inline:{k=v},fail:x}", "j")]
    [InlineData("pipemap:{inline:{k=v},pcre:{{/(v)/ <$1>}}}", "k")]
    [InlineData("pipemap:foo", "k")]
    [InlineData("randmap:{x}", "k")]
    [InlineData("randmap:x", "k")]
    public async Task Inline_tables_answer_as_Debians(string reference, string key)
    {
        await File.WriteAllTextAsync(Path.Combine(directory, "main.cf"), "compatibility_level = 3.6\n", TestContext.Current.CancellationToken);
        var theirs = await PostfixCommand.RunAsync("postmap", "-c", directory, "-q", key, reference);
        var ours = await FindAsync(reference, key, new Log());
        ours.IsFailed.ShouldBe(theirs.Error.Contains("fatal:"), theirs.Error);
        (ours.IsFound ? ours.Value + "\n" : "").ShouldBe(theirs.Output);
    }

    [Fact]
    public async Task Every_value_of_a_random_table_comes()
    {
        var seen = new HashSet<string>();
        for (var i = 0; i < 1000 && seen.Count < 3; i++)
        {
            seen.Add((await FindAsync("randmap:{a,{b c}, d}", "k", new Log())).Value);
        }

        seen.ShouldBe(["a", "{b c}", "d"], ignoreOrder: true);
    }

    [Fact]
    public async Task A_debug_table_logs_what_is_asked()
    {
        var log = new Log();
        (await FindAsync("debug:inline:{k=v}", "k", log)).Value.ShouldBe("v");
        log.Lines.ShouldBe(["inline:{k=v} lookup: \"k\" -> \"v\""]);
    }

    [Fact]
    public async Task A_rule_that_cannot_be_done_fails_the_lookups_that_come_to_it()
    {
        const string reference = @"pcre:{{/^first/ one}, {/^(a(?1)?b)$/ balanced}, {/./ other}}";
        (await FindAsync(reference, "first", new Log())).Value.ShouldBe("one");
        (await FindAsync(reference, "x", new Log())).IsFailed.ShouldBeTrue();
    }

    private async Task CompareAsync(string type, string text, bool sameWarnings, params string[] keys)
    {
        var file = Path.Combine(directory, type);
        await File.WriteAllTextAsync(file, text + "\n");
        await File.WriteAllTextAsync(Path.Combine(directory, "main.cf"), "compatibility_level = 3.6\n");
        var log = new Log();
        await using var registry = new TableRegistry(new MailLog(log), TimeProvider.System);
        var table = registry.Open($"{type}:{file}");
        var expected = await PostfixCommand.RunWithInputAsync(
            "postmap", string.Join('\n', keys.Where(k => !k.Contains('\n'))), "-c", directory, "-q", "-", $"{type}:{file}");
        var warnings = expected.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => l.Contains(" map ")).ToArray();
        log.Lines.Count.ShouldBe(warnings.Length, string.Join('\n', log.Lines) + "\n--\n" + expected.Error);
        if (sameWarnings)
        {
            log.Lines.ShouldBe(warnings.Select(w => w["postmap: warning: ".Length..]));
        }

        var answers = new System.Text.StringBuilder();
        foreach (var key in keys)
        {
            var result = await table.FindAsync(key, TestContext.Current.CancellationToken);
            result.IsFailed.ShouldBeFalse(result.Text);
            if (key.Contains('\n'))
            {
                var theirs = await PostfixCommand.RunAsync("postmap", "-c", directory, "-q", key, $"{type}:{file}");
                (result.IsFound ? result.Value + "\n" : "").ShouldBe(theirs.Output, key);
            }
            else if (result.IsFound)
            {
                answers.Append(key).Append('\t').Append(result.Value).Append('\n');
            }
        }

        answers.ToString().ShouldBe(expected.Output);
    }

    private static async Task<Mta.Core.Lookup.LookupResult> FindAsync(string reference, string key, Log log)
    {
        await using var registry = new TableRegistry(new MailLog(log), TimeProvider.System);
        return await registry.Open(reference).FindAsync(key, TestContext.Current.CancellationToken);
    }

    private sealed class Log : ILogSink
    {
        public List<string> Lines { get; } = [];

        public void Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text) =>
            Lines.Add(System.Text.Encoding.UTF8.GetString(text).Replace("warning: ", "", StringComparison.Ordinal));
    }
}
