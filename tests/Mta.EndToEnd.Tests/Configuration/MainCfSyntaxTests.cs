using Xunit;

namespace Mta.EndToEnd.Tests.Configuration;

/// <summary>What Postfix makes of a main.cf, and what we make of it: values, warnings and errors.</summary>
public sealed class MainCfSyntaxTests
{
    private const string Services =
        """
        smtp      inet  n       -       n       -       -       smtpd
        smtp      unix  -       -       n       -       -       smtp
        relay     unix  -       -       n       -       -       smtp
        mine      unix  -       -       n       -       -       pipe user=x argv=/bin/true
        """ + "\n";

    private static readonly string[] Views = ["-n", "-nx", "-nh", "-h myorigin", "-hx myorigin", "-C user", "-M", "-P", "myorigin foo biff a nosuch", "-xo myorigin=other myorigin"];

    [Fact]
    public Task Lines_are_read_as_by_Postfix() => ForAllAsync(
        [
            "",
            "\n\n# only\n   # comments\n \t \n",
            "a=1\n b\n# c\n  d # no\n\n\n e\nmyorigin=$a\n",
            "myorigin=$a x # y\na=b#c\n",
            "myorigin = a\n\tb\n   # within\n#\n\n c\n",
            " foo=1\nmyorigin=a\n",
            "# x\n\tfoo = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nmyorigin=a\n",
            "foo\n",
            "foo bar=1\n",
            "=1\n",
            "\n= x\n",
            "foo =\nmyorigin =\n  \n x\n",
            "myorigin = a = b\n",
            "myorigin=a",
            "myorigin=a\r\nbiff=no\r\n foo\r\n\r\n # x\r\n",
            "\xef\xbb\xbfmyorigin=a\nbiff=no\n",
            "myorigin=a\0b\n c\nbiff=no\n",
            "\0myorigin=a\nbiff=no\n",
            "myorigin=\xe4\xc3\xa4\nfoo=\xe4\n",
            "myorigin=x  y\t z\v\fw\n",
            "myorigin=a\nmyorigin=b\nfoo=1\nfoo=2\nmyorigin = c\na=$foo\n",
            "myorigin=a\\\n b\\\nbiff=no\n",
            "myorigin='a b' \"c\"\n",
            "MYORIGIN=a\nmy-origin=b\nmy.origin=c\nmyorigin$=d\n",
        ]);

    [Fact]
    public Task A_line_may_be_very_long() => ForAllAsync(
        [$"foo={string.Concat(Enumerable.Repeat("abc ", 40_000))}\nmyorigin=$foo\n" + string.Concat(Enumerable.Repeat(" continued\n", 10_000))]);

    [Fact]
    public Task References_are_expanded_as_by_Postfix() => ForAllValuesAsync(
        [
            "$a$(a)${a}",
            "${a}b$a.c$a-d$a_e",
            "${ a }|$( a )|${a }|${\ta}",
            "${a?x}${a:y}${b?x}${b:y}${empty?x}${empty:y}",
            "${a?{x}:{y}}${b?{x}:{y}}${b?{x}}${b:{y}}",
            "${a?x:y}|${empty:x?y}|${a?}|${a:}|${a?{x}:}|${a?{x} }",
            "${a?{x} : y}|${a ? {x} : {y}}|${ a?x}|${a ?x}|${a? x}",
            "[${a?{  sp  }}][${a?  sp  }][${b:{  sp  }}][${{1}=={2}?{  x  }:{  y  }}][${{1}=={2}?{  x  }:  y  }]",
            "${a?{${b?{x}:{${a}}}}}",
            "${a?{{x} y}}|${a?{ }}|${a?}}|$(a)b)|$(a?x)|$(a?{x})|${a?$(a)}",
            "x ${{$a}=={7}?{${{$b}=={}?{in $a}:{out}}}:{none}} y",
            "${${a}}",
            "${a?{x}?{y}}",
            "${a:{x}:{y}}",
            "${a?{x}:{y}:{z}}",
            "${a?{x}:{y}z}",
            "${a?{x}y}",
            "${a?{x} y }",
            "$$ $$a $$$a $$$$",
            "$$${a",
            "pre ${a",
            "pre $(a",
            "pre ${} post",
            "$()",
            "${ }${?x}${:y}",
            "x$",
            "$a$",
            "$-a",
            "pre $.x post",
            "${a-b}",
            "${a b}",
            "${a.b}",
            "${abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij-abcdefghijabcdefghijabcdefghijabcdefghij}",
            "$9 $_x ${3}",
            "$(a?{x)",
            "$(a?{x}:{y)",
            "$({a} == {b)",
            "$({a)",
            "${a?{pre ${b}}",
            "${a?{pre $-}}",
            "${b?{pre $-}}",
            "${a?{${}}}",
            "a}b{c",
            "{c",
            "{x} {y",
            "{x}|7",
            "{ {x} y",
            "$nosuch $(nosuch2) ${nosuch3} ${nosuch4?x} ${nosuch5:{$nosuch6}} ${a?{$nosuch7}:{$nosuch8}}",
            "$mydomain $myhostname $mail_name $process_name $smtpd_banner",
            "$myorigin",
            "$loop",
            "$loop2",
        ]);

    [Fact]
    public Task Comparisons_are_as_in_Postfix()
    {
        (string, string)[] operands = [("2", "10"), ("10", "2"), ("2", "2"), ("02", "2"), ("a2", "a10"), ("a", "A"), ("", ""), ("", "0"), ("5a", "10"), ("-2", "10"), ("2", "-10"),
                ("+2", "2"), ("0x10", "16"), (" 7", "7"), ("7 ", "7 "), ("9999999999", "2"), ("$a", "7"), ("$b", ""), ("${a?{x}:{y}}", "x")];
        (string, string)[] levels = [("3.6", "3.10"), ("3.10", "3.6"), ("3", "3.0"), ("3.6.0", "3.6"), ("3.6.1", "3.6.2"), ("01.1", "1.1"), ("1.07", "1.7"), ("$compatibility_level", "3.6"), ("100000", "1"), ("1.1023", "1")];
        string[] operators = ["==", "!=", "<", "<=", ">=", ">"];
        return ForAllValuesAsync(operators.SelectMany(op => (string[])
        [
            string.Join('|', operands.Select(o => $"${{{{{o.Item1}}}{op}{{{o.Item2}}}}}${{{{{o.Item1}}} {op} {{{o.Item2}}} ? {{y}} : {{n}}}}")),
            string.Join('|', levels.Select(o => $"${{{{{o.Item1}}} {op}level {{{o.Item2}}} ? {{y}} : {{n}}}}${{{{{o.Item1}}}{op}level{{{o.Item2}}}}}")),
        ]));
    }

    [Fact]
    public Task Comparisons_that_make_no_sense_are_refused_in_Postfixs_words() => ForAllValuesAsync(
        [
            "${{a} = {b}}",
            "${{a} =< {b}}",
            "${{a}==={a}}",
            "${{a}<>{a}}",
            "${{a} == }",
            "${{a} == b}",
            "${{a} == {b}",
            "${{a} == {b} ? x : y}|${{a} == {a}?x:y}|${{a} == {a}?}|${{a} == {b}?{x}:y }|",
            "${{a} == {b} x}",
            "${{a} == {a} ? {x} y }",
            "${{a} == {a} : {x}}|${{a}=={b}:{y}}|${{a}=={b}:y}|",
            "${{a}}",
            "${{}}",
            "${{$a} x}",
            "${{1} ! {2}}",
            "${{1} =={1} {2}}",
            "${{1} == {1}:{2}:{3}}",
            "${{1} == {1} ? {2} ? {3}}",
            "${{$a$a} == x}",
            "${{1}<}",
            "${{1} <level}",
            "${{1}<levelx{2}}",
            "${{1}<lev{2}}",
            "${{1}<level x{2}}",
            "${{1}< level {2}}",
            "${{1}level{2}}",
            "${{a} <level {3}}",
            "${{3} <level {b}}",
            "${{3.} <level {3}}",
            "${{3.1.2.3} <level {3}}",
            "${{1.1024}<level{2}}",
            "${{-1}<level{2}}",
            "${{ 1 }<level{2}}",
            "${{}<level{1}}",
            "${{99999999999999999999}>{2}}",
        ]);

    [Fact]
    public Task Values_that_cannot_be_expanded_are_refused_where_they_count() => ForAllAsync(
        [
            "foo=$foo\n",
            "foo=$foo\nmyorigin=$foo\n",
            "foo=$bar\nbar=$foo\n",
            "relayhost=$relayhost\n",
            "myorigin=$mydomain\nmydomain=$myorigin\n",
            "myhostname=$myhostname\n",
            "inet_interfaces=${\n",
            "inet_protocols=$inet_protocols\n",
            "mynetworks=$mynetworks\n",
            "mynetworks_style=$-\n",
            "mine_destination_concurrency_limit=${\n",
            "smtpd_expansion_filter=$-\nsmtpd_reject_footer=$-${\n",
            "foo=${a\n",
            "foo=${{a} <level {3}}\nbar=${a?{x}y}\n",
        ]);

    [Fact]
    public Task Names_that_nobody_reads_are_warned_of_as_by_Postfix() => PostconfPair.ForAllAsync(
        [
            "main=1\nused=2\nmynetworks=$used\nm2=$m3\nm3=4\n",
            "mine_destination_concurrency_limit=3\nmine_time_limit=4\nnotmine_destination_rate_delay=1s\nrelay_time_limit=3\nsmtp_foo=1\nrelay_destination_recipient_limit=$x\nx=1\n",
            "smtpd_restriction_classes = foo, bar\nfoo = permit\nbaz=1\n",
            "smtpd_restriction_classes = $classes\nclasses = foo bar\nfoo = permit\nbar=reject\n",
            "virtual_alias_maps=ldap:xx proxy:mysql:yy, {pgsql:zz, memcache:mm}\nxx_server_host=a\nxx_foo=1\nyy_hosts=b\nyy_user=$quux\nzz_dbname=c\nzz_server_host=d\nmm_backup=e\n",
            "foo=ldap:xx\nbar=ldap:yy\nmyorigin=$foo\nxx_domain=1\nyy_domain=1\n",
            "virtual_alias_maps=pgsql:/no/such/file, ldap:$config_directory/table.cf, sqlite:${config_directory}/table.cf\n",
        ],
        static (pair, mainCf) =>
        {
            pair.Write("table.cf", "hosts = a\nquery_filter = b\nquery = c\nfoo = $bar\n");
            return SameAsync(pair, mainCf);
        },
        WriteServices);

    [Fact]
    public Task Settings_of_services_are_judged_as_by_Postfix() => PostconfPair.ForAllAsync(
        [
            "smtpd_restriction_classes=cc -o cc=permit -o virtual_alias_maps=ldap:mm -o mm_domain=$ff -o gg=$hh",
            "-o a=b -o a=c -o myhostname=1 -o myorigin=$nosuch",
            "-o a=$b -o b=$c -o c=x -o myorigin=$a",
            "-o mine_time_limit=3 -o smtp_time_limit=3",
            "-o myorigin=$myorigin",
            "-o ofmain=2 -o onlyhere=3 -o other=4",
            "-o a=${",
        ],
        static (pair, options) =>
        {
            pair.Write("master.cf", Services + $"sub inet n - n - - smtpd {options}\n");
            return SameAsync(pair, "cc=1\nmm_domain=2\nff=1\nhh=3\nnn=4\nmyorigin=x\nmydestination=$ofmain $onlyhere\nofmain=1\n");
        });

    [Fact]
    public Task Compatibility_level_is_judged_as_by_Postfix() => PostconfPair.ForAllAsync(
        [
            "compatibility_level=foo\n",
            "compatibility_level=3.\n",
            "compatibility_level=3.6.1\n",
            "compatibility_level=$foo\nfoo=2\n",
            "compatibility_level=0\n",
            "compatibility_level=9\n",
            "compatibility_level=2\ncompatibility_level=1\n",
            "",
        ],
        static (pair, mainCf) =>
        {
            pair.Write("main.cf", mainCf);
            return pair.AllSameAsync("-n", "-x append_dot_mydomain mynetworks_style smtputf8_enable relay_domains", "smtpd_relay_restrictions myorigin", "-d mynetworks_style");
        },
        WriteServices);

    [Fact]
    public Task Values_that_a_parameter_does_not_take_are_shown_as_they_are() => PostconfPair.ForAllAsync(
        ["3x", "3 d", "-1", "99999999999999999999", "maybe", "", "YES", "5M", "3w", "1.5h"],
        static (pair, value) =>
        {
            pair.Write("main.cf", $"compatibility_level=3.6\nsmtpd_timeout={value}\nhopcount_limit={value}\nbiff={value}\n");
            return pair.AllSameAsync("-n", "-x smtpd_timeout hopcount_limit biff");
        },
        WriteServices);

    private static string WithValue(string value) => $"a=7\nempty=\nloop=x$loop\nloop2=$loop3\nloop3=$loop2\nmyorigin={value}\n";

    private static void WriteServices(PostconfPair pair) => pair.Write("master.cf", Services);

    /// <summary>Every view of a main.cf, with the services of this class.</summary>
    private static Task ForAllAsync(IEnumerable<string> mainCfs) => PostconfPair.ForAllAsync(mainCfs, SameAsync, WriteServices);

    /// <summary>The same of one value.</summary>
    private static Task ForAllValuesAsync(IEnumerable<string> values) => ForAllAsync(values.Select(WithValue));

    private static Task SameAsync(PostconfPair pair, string mainCf)
    {
        const string level = "compatibility_level=3.6\n";
        pair.Write("main.cf", mainCf.Contains("compatibility_level", StringComparison.Ordinal) ? mainCf
            // The end of a file without a line end is kept.
            : mainCf == "myorigin=a" ? level + mainCf
            : mainCf + (mainCf.EndsWith('\n') || mainCf.Length == 0 ? "" : "\n") + level);
        return pair.AllSameAsync(Views);
    }
}
