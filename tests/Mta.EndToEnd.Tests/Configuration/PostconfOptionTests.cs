using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Configuration;

/// <summary>Every option of postconf, alone and with every other one, as Postfix takes it.</summary>
public sealed class PostconfOptionTests
{
    private const string MainCf =
        """
        compatibility_level = 3.6
        # A comment.
        mydestination = a,  b, c, $myhostname,
          # within
          ddddddddddddddddddddddddd, eeeeeeeeeeeeeeeeeeeeee, ffffffffffffffffffffffffffffffffff, ggggggggg
        foo = 1
        used = 2
        myorigin=$used
        relay_destination_recipient_limit=5
        virtual_alias_maps = ldap:dir
        dir_server_host = h
        """ + "\n";

    private const string Services =
        """
        # Services.
        smtp      inet  n       -       y       -       -       smtpd -v
          -o smtpd_banner=$myhostname -o { x = y  z }
        smtp      unix  -       -       n       -       -       smtp
        relay     unix  -       -       n       -       5       smtp -o smtp_helo_timeout=5
        pickup    unix  n       -       n       60?     1       pickup
        mine      unix  -       n       n       -       -       pipe
          flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient} {a  b} ${a_long_name_of_a_macro}
        """ + "\n";

    private const string Templates =
        """
        # Of our own.
        failure_template = <<EOF
        Charset: utf-8
        FROM: me <x>
        Subject: failed $x
        Postmaster-Subject: copy

        At $myhostname, $mydomain: $$ ${delay_warning_time_minutes} $delay_warning_time_hours|
          $maximal_queue_lifetime $(maximal_queue_lifetime_days) ${nosuch?{a}:{b}} \n

        # no comment

        EOF

        delay_template = << END
        text only
        END
        success_template=<<1
        Subject: good

        x
        1
        verify_template = one line
        """ + "\n";

    /// <summary>-j and -q came after Debian's version, -S is ours; what -v says is of Postfix's insides, and the defaults are compared elsewhere.</summary>
    [Fact]
    public Task Pairs_of_options_do_what_they_do_in_Postfix()
    {
        const string letters = "deEfFhHMnpPxX#";
        string[][] operands = [[], ["foo"], ["myorigin", "mydestination"], ["biff=no"], ["relay/unix", "smtp/inet"], ["relay/unix/smtp_helo_timeout", "smtp/*/command"],
            ["relay/unix/process_limit=7"], ["relay/unix/smtp_helo_timeout=7"], ["relay/unix=relay unix - - n - 1 smtp -o a=b"]];
        var options = letters.Select(l => $"-{l}")
            .Concat(letters.SelectMany(l => letters.Where(m => m > l).Select(m => $"-{l}{m}")))
            .Concat(["-dfx", "-nfx", "-nhx", "-fhx", "-Mfx", "-FfH", "-Ffx", "-Phx", "-Pfx", "-Mex", "-eX#", "-nHf"]);
        return ForAllAsync(
            options.SelectMany(o => operands.Select(w => (string[])[o, .. w]))
                // Postfix puts a command and its first argument together in -Fh, which nobody can mean.
                .Where(w => w is not ["-Fh"])
                .Where(w => w.Length > 1 || (!w[0].Contains('d', StringComparison.Ordinal) && w[0].AsSpan().ContainsAny("nMFPeEX#"))),
            static (pair, words) => pair.SameEditAsync(words));
    }

    [Fact]
    public Task What_shows_parts_of_the_program_goes_with_the_same_options_as_in_Postfix() => ForAllAsync(
        "lbtaAmT".SelectMany(mode => "aAbdefFhHlmMnpPtxX#o".Where(o => o != mode).Select(other => $"{mode}{other}")),
        static (pair, modes) =>
        {
            string[] options = modes[0] == 'T' ? ["-T", "run-version"] : [$"-{modes[0]}"];
            string[] others = modes[1] == 'o' ? ["-o", "foo=bar"] : [$"-{modes[1]}"];
            // What the parts are is another question.
            return pair.SameAsync([.. options, .. others], r => r.ExitCode == 0 ? r with { Output = "", Error = "" } : r);
        });

    [Fact]
    public Task Options_with_values_do_what_they_do_in_Postfix() => AllSameAsync(
        [
            "-l",
            "-C builtin -n",
            "-C service -n",
            "-C service relay_time_limit mine_time_limit",
            "-C user",
            "-C user -n",
            "-C user,service -n",
            "-C all -nf",
            "-C user -d",
            "-C foo,user",
            "-C builtin -M",
            "-C",
            "-c",
            "-z",
            "-o foo=3 -n",
            "-o foo=3 -o used=4 -nx",
            "-o foo -n",
            "-o =x -n",
            "-o foo=3 -d",
            "-o foo=3 -e foo=4",
            "-o myorigin=x -M",
            "-xo used=9 myorigin -P",
            "-d biff mynetworks myorigin foo relay_time_limit mine_time_limit relay_recipient_limit",
            "-df smtpd_relay_restrictions",
            "-dx mydestination",
            "-dh biff",
            "-dH biff",
            "-p biff foo",
            "-pn biff foo",
            "-M smtp",
            "-M smtp/inet */unix nosuch",
            "-M */* smtp/foo",
            "-F smtp/inet/nosuch",
            "-F */*/wakeup mine",
            "-Fh */inet/*",
            "-FH relay",
            "-P smtp/*/x nosuch/unix",
            "-PH",
            "-Px */*/smtpd_banner",
            "-- -n",
            "-T",
            "-T nosuch",
            "-b x y",
            "-t /no/such/file",
        ]);

    [Fact]
    public async Task A_missing_or_broken_file_is_told_as_by_Postfix()
    {
        using var pair = Make();
        string[][] all = [["-n"], ["-d", "biff"], ["-M"], ["-e", "a=b"], ["-Me", "a/unix=a unix - - n - - b"], ["-b"], ["-m"], ["-l"]];
        foreach (var words in all)
        {
            string[] elsewhere = ["-c", "/no/such/directory", .. words];
            (await PostconfPair.OursAsync(elsewhere) with { Output = "" }).ShouldBe(await PostconfPair.PostfixAsync(elsewhere) with { Output = "" });
        }

        File.Delete(Path.Combine(pair.Path, "master.cf"));
        await pair.AllSameAsync("-n", "-M");
        await pair.SameAsync(["-Me", "a/unix=a unix - - n - - b"]);
    }

    [Fact]
    public Task Edits_leave_the_bytes_that_Postfix_leaves() => ForAllAsync(
        (string[][])[
            ["-e", "myorigin = new  value ", "biff=no", "empty="],
            ["biff=no"],
            ["biff=no", "foo"],
            ["-e", "mydestination=x", "mydestination=y"],
            ["-e", "a = b = c", "foo=$x ${y?{z}}", "myorigin="],
            ["-e", "new= a\tb  c"],
            ["-e", "a\nb=c"],
            ["-e", " a=c"],
            ["-e", "a b=c"],
            ["-e", "a#b=c"],
            ["-e", "#a=c"],
            ["-X", "mydestination", "nosuch", "myorigin"],
            ["-X", " foo "],
            ["-X", ""],
            ["-X", "foo bar"],
            ["-#", "mydestination", "used"],
            ["-#", "nosuch"],
            ["-#", "#foo"],
            ["-Me", "smtp/inet = smtp inet n - n - 5 smtpd -o foo=bar -v -o a=b rest of it", "new/unix=new unix - - n - - error"],
            ["-Me", "smtp/inet = smtp inet n - n - 5 smtpd -vo { a = b  c } -o {d=e}"],
            ["-M", "smtp/inet=other inet n - n - 5 smtpd"],
            ["-Me", "*/unix=x unix - - n - - y"],
            ["-Me", "smtp/inet = smtp inet n - n"],
            ["-Me", "smtp/inet = smtp inet z - n - - smtpd"],
            ["-Me", "smtp/foo = smtp foo - - n - - smtpd"],
            ["-Me", "smtp"],
            ["-Me", "smtp=x"],
            ["-MX", "smtp/inet", "nosuch/unix", "mine/unix"],
            ["-MX", "*/unix"],
            ["-MX", "smtp"],
            ["-MX", "smtp/inet/x"],
            ["-M#", "smtp/inet", "mine/unix"],
            ["-Fe", "smtp/inet/chroot=n", "smtp/*/process_limit=7"],
            ["-Fe", "mine/unix/command=pipe argv={a b} c", "mine/unix/service=yours"],
            ["-F", "smtp/inet/command=smtpd -o x=y -v"],
            ["-Fe", "smtp/inet/wakeup=x"],
            ["-Fe", "smtp/inet/type=foo"],
            ["-Fe", "smtp/inet/foo=n"],
            ["-Fe", "smtp/inet=n"],
            ["-Fe", "nosuch/inet/chroot=n"],
            ["-FX", "mine/unix/chroot"],
            ["-Pe", "smtp/inet/a=2", "mine/unix/a=3", "relay/unix/smtp_helo_timeout=9"],
            ["-Pe", "smtp/inet/x=a", "*/unix/y={z}"],
            ["-Pe", "smtp/inet/*=2"],
            ["-Pe", "smtp/inet=2"],
            ["-P", "nosuch/unix/a=2"],
            ["-PX", "smtp/inet/x", "mine/unix/a"],
            ["-PX", "smtp/inet/*"],
            ["-P#", "smtp/inet/x"],
        ],
        static (pair, arguments) => pair.SameEditAsync(arguments, anyOrder: true));

    [Fact]
    public Task Odd_files_are_edited_as_by_Postfix() => ForAllAsync(
        [
            "\xef\xbb\xbf" + "foo = 1\r\n bar\r\nx=\xe4y\n#  \n\n\n\tz\n",
            "foo=1\n\n",
            " foo = 1\nfoo = 2\n# foo = 3\nfoo=4\n",
            "foo = 1\n  #c\n 2\n#d\n\n 3\n#e\nbar=2\n# f\n  4\n",
            "#foo=1\n 2\nx=y\n",
            "",
        ],
        static async (pair, mainCf) =>
        {
            pair.Write("main.cf", mainCf);
            foreach (var edit in (string[][])[["-e", "foo=9"], ["-e", "new=9"], ["-X", "foo"], ["-#", "foo"], ["-X", "x", "bar"], ["-#", "bar", "x"]])
            {
                await pair.SameEditAsync(edit);
            }
        });

    [Fact]
    public async Task Templates_of_a_file_are_shown_as_by_Postfix()
    {
        using var pair = Make();
        pair.Write("main.cf", "compatibility_level=3.6\nmyhostname=mail.example.com\ndelay_warning_time=90m\nmaximal_queue_lifetime=36h\nbounce_template_file=$config_directory/bounce.cf\n");
        pair.Write("bounce.cf", Templates.Replace("At ", "At \xe4 ", StringComparison.Ordinal));
        await pair.AllSameAsync("-t", "-b", $"-t {pair.Path}/bounce.cf");
    }

    [Fact]
    public Task Templates_with_errors_are_judged_as_by_Postfix() => ForAllAsync(
        [
            "X-Foo: bar\n\ntext",
            "Subject: s\xc3\xa4\n\ntext",
            "Subject:\n\ntext",
            "Subject: x",
            "",
            "Subject: s\n\nline\xc3\xa4",
            "$-x ${foo",
            "$nosuch",
            "$delay_warning_time_days $maximal_queue_lifetime_seconds $maximal_queue_lifetime_weeks",
            "$delay_warning_time_foo",
            "text\nEOF\nfailure_template",
            "text\nEOF\nfailure_template = <<\nx",
            "text\nEOF\nfailure_template = <<\"x\"\nx",
            "text\nEOF\nnosuch_template = <<X\nx\nX\nverify_template = <<X\nPostmaster-Subject: x\n\nx\nX\n failure_template = <<EOF\n\nother",
        ],
        static async (pair, failure) =>
        {
            pair.Write("main.cf", "compatibility_level=3.6\ndelay_warning_time=90m\nmaximal_queue_lifetime=36h\n");
            // All kinds, for the program's own texts are not Postfix's.
            pair.Write("bounce.cf", $"failure_template = <<EOF\nordinary\nEOF\ndelay_template = x\nsuccess_template = x\nverify_template = x\nfailure_template = <<EOF\n{failure}\nEOF\n");
            foreach (var mode in (string[])["-t", "-b"])
            {
                await pair.SameAsync([mode, Path.Combine(pair.Path, "bounce.cf")], WithoutOwnTexts);
            }
        });

    [Fact]
    public async Task Own_templates_have_the_form_and_the_headers_of_Postfixs()
    {
        using var pair = Make();
        await pair.SameAsync(["-t", ""], r => r with { Output = Form(r.Output, ":=") });
        await pair.SameAsync(["-b"], r => r with { Output = Form(r.Output, "=") });

        static string Form(string output, string marks) => string.Join(
            '\n', output.Split('\n').Where(l => l == "EOF" || (!l.StartsWith(' ') && l.AsSpan().ContainsAny(marks) && !l.Contains("THIS", StringComparison.Ordinal) && !l.StartsWith("You", StringComparison.Ordinal))));
    }

    private static Task ForAllAsync<T>(IEnumerable<T> cases, Func<PostconfPair, T, Task> tryAsync) => PostconfPair.ForAllAsync(cases, tryAsync, WriteFiles);

    /// <summary>Command lines, each with a directory of its own.</summary>
    private static Task AllSameAsync(IEnumerable<string> lines) => ForAllAsync(lines, static (pair, line) => pair.AllSameAsync(line));

    private static void WriteFiles(PostconfPair pair)
    {
        pair.Write("main.cf", MainCf);
        pair.Write("master.cf", Services);
    }

    private static PostconfPair Make()
    {
        var pair = new PostconfPair();
        WriteFiles(pair);
        return pair;
    }

    private static PostconfResult WithoutOwnTexts(PostconfResult result) =>
        result with { Output = string.Join('\n', result.Output.Split('\n').TakeWhile(l => !l.Contains("mail system", StringComparison.OrdinalIgnoreCase))) };
}
