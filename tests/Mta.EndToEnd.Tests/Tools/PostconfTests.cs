using System.Diagnostics;
using System.Text;
using Mta.Core.Config;
using Mta.Tools;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Tools;

/// <summary>Our postconf and Postfix's on the same files.</summary>
public sealed class PostconfTests : IDisposable
{
    private const string MainCf =
        """
        compatibility_level=3.6
        # a comment
        mydestination = a,  b, c, $myhostname,
          # within
          ddddddddddddddddddddddddd, eeeeeeeeeeeeeeeeeeeeee, ffffffffffffffffffffffffffffffffff, ggggggggg
        foo = 1
        relay_destination_recipient_limit=5
        bar_destination_recipient_limit=5
        relayhost = $rh
        rh=[a b]
        myorigin=$undef.x

        """;

    /// <summary>Defaults that Debian sets or the libraries give, and those that are ours: names on the disk, and the log that today's readers know.</summary>
    private static readonly HashSet<string> OtherDefaults =
    [
        "alias_database", "alias_maps", "config_directory", "daemon_directory", "data_directory", "default_database_type", "html_directory", "lmtp_log_tls_feature_status",
        "mail_owner", "manpage_directory", "meta_directory", "process_id", "queue_directory", "readme_directory", "sample_directory", "setgid_group", "shlib_directory",
        "smtp_log_tls_feature_status",
    ];

    /// <summary>Names that Postfix 3.12 no longer has.</summary>
    private static readonly HashSet<string> GoneNames = ["tls_legacy_public_key_fingerprints", "tlsproxy_client_loglevel_parameter"];

    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("mta-postconf");

    public PostconfTests()
    {
        File.WriteAllText(Path.Combine(directory.FullName, "main.cf"), MainCf);
        File.WriteAllText(
            Path.Combine(directory.FullName, "master.cf"),
            BuiltInFiles.MasterCf + "maildrop unix - n n - - pipe\n  flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient} ${a_long_name_of_a_macro}\nmine unix - - n - - smtp -v -o { x = $y z }\n  -o smtp_bind_address=$unset\n");
        // Postfix waits until a file is older than a second before it trusts what it read.
        foreach (var file in directory.GetFiles())
        {
            file.LastWriteTimeUtc = DateTime.UnixEpoch.AddDays(20_000);
        }
    }

    public void Dispose() => directory.Delete(recursive: true);

    [Theory]
    [InlineData("-n")]
    [InlineData("-nf")]
    [InlineData("-nh")]
    [InlineData("-nH")]
    [InlineData("-nx")]
    [InlineData("biff nosuch myorigin foo")]
    [InlineData("-x myorigin relayhost smtpd_expansion_filter")]
    [InlineData("-hx myorigin")]
    [InlineData("-n -o myorigin=zz -o foo=zz")]
    [InlineData("-o bar biff")]
    [InlineData("-C builtin -n")]
    [InlineData("-C service -n")]
    [InlineData("-C user")]
    [InlineData("-C foo")]
    [InlineData("-d mynetworks myhostname mydomain biff relay_destination_recipient_limit mine_initial_destination_concurrency foo")]
    [InlineData("-d -f smtpd_relay_restrictions local_recipient_maps")]
    [InlineData("-M")]
    [InlineData("-Mf")]
    [InlineData("-Mx")]
    [InlineData("-M smtp/inet */unix nosuch")]
    [InlineData("-F")]
    [InlineData("-Fh smtp/inet/command */*/wakeup")]
    [InlineData("-P")]
    [InlineData("-Px mine/unix/x */*/syslog_name")]
    [InlineData("-nd")]
    [InlineData("-hH")]
    [InlineData("-Mh")]
    [InlineData("-e")]
    [InlineData("-e foo")]
    [InlineData("-e =foo")]
    [InlineData("-e #foo=1")]
    [InlineData("-X foo=1")]
    public async Task Shows_what_Postfix_shows(string arguments)
    {
        string[] words = ["-c", directory.FullName, .. arguments.Split(' ')];
        (await OursAsync(words)).ShouldBe(await PostfixAsync(words));
    }

    [Fact]
    public async Task Defaults_are_Postfixs()
    {
        var theirs = Values((await PostfixAsync("-c", directory.FullName, "-d")).Output);
        var ours = Values((await OursAsync("-c", directory.FullName, "-d")).Output);
        var of312 = File.ReadLines(Path.Combine(Root(), "tests/Mta.Core.Tests/Config/PostfixParameters.tsv"))
            .Where(l => !l.StartsWith('#')).Select(l => l.Split('\t')).ToDictionary(f => f[0], f => string.Join(' ', f[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)));

        // Where the two releases differ, the newer one counts.
        var different = theirs.Where(t => !OtherDefaults.Contains(t.Key) && !GoneNames.Contains(t.Key)
            && (!of312.TryGetValue(t.Key, out var newer) || newer == t.Value || newer.StartsWith('(')) && ours.GetValueOrDefault(t.Key) != t.Value);
        different.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("-e", "myorigin = new  value ", "biff=no", "empty=")]
    [InlineData("biff=no")]
    [InlineData("-X", "mydestination", "nosuch", "myorigin")]
    [InlineData("-#", "mydestination", "rh")]
    public async Task Edits_as_Postfix_does(params string[] arguments)
    {
        var path = Path.Combine(directory.FullName, "main.cf");
        string[] words = ["-c", directory.FullName, .. arguments];
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        (await OursAsync(words)).ExitCode.ShouldBe(0);
        var ours = await File.ReadAllTextAsync(path);
        File.GetUnixFileMode(path).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

        await File.WriteAllTextAsync(path, MainCf);
        (await PostfixAsync(words)).ExitCode.ShouldBe(0);
        // Postfix adds new names in the order of a hash table.
        Lines(ours).ShouldBe(Lines(await File.ReadAllTextAsync(path)));
        ours.ShouldStartWith("compatibility_level=3.6\n# a comment\n");

        static IEnumerable<string> Lines(string text) => text.Split('\n').Order(StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("-Me", "smtp/inet = smtp inet n - n - 5 smtpd -o foo=bar -v -o a=b rest of it", "new/unix=new unix - - n - - error")]
    [InlineData("-M", "smtp/inet=other inet n - n - 5 smtpd")]
    [InlineData("-Me", "smtp/inet = smtp inet n - n")]
    [InlineData("-Me", "smtp")]
    [InlineData("-MX", "smtp/inet", "nosuch/unix", "foo/unix")]
    [InlineData("-MX", "smtp")]
    [InlineData("-M#", "smtp/inet", "foo/unix")]
    [InlineData("-Fe", "smtp/inet/chroot=n", "smtp/*/process_limit=7")]
    [InlineData("-F", "smtp/inet/command=smtpd -o x=y -v")]
    [InlineData("-Fe", "smtp/inet/foo=n")]
    [InlineData("-Fe", "smtp/inet=n")]
    [InlineData("-FX", "foo/unix/chroot")]
    [InlineData("-Pe", "smtp/inet/a=2", "foo/unix/a=3")]
    [InlineData("-P", "nosuch/unix/a=2")]
    [InlineData("-PX", "smtp/inet/a", "foo/unix/a")]
    [InlineData("-PX", "smtp/inet/*")]
    [InlineData("-P#", "smtp/inet/a")]
    public async Task Edits_master_cf_as_Postfix_does(params string[] arguments)
    {
        const string before = "# head\nsmtp inet n - y - - smtpd\n  -o a=1\n  -o b=x -v\nsmtp unix - - n - - smtp\nfoo   unix  -  -  n  -  -  pipe\n  flags=x user=y argv=/bin/true ${z}\n";
        var path = Path.Combine(directory.FullName, "master.cf");
        string[] words = ["-c", directory.FullName, .. arguments];
        await File.WriteAllTextAsync(path, before);
        var ours = await OursAsync(words);
        var edited = await File.ReadAllTextAsync(path);

        await File.WriteAllTextAsync(path, before);
        var theirs = await PostfixAsync(words);
        ours.ShouldBe(theirs);
        edited.ShouldBe(await File.ReadAllTextAsync(path));
    }

    [Fact]
    public async Task Comments_within_an_entry_of_master_cf_outlive_its_edit()
    {
        var path = Path.Combine(directory.FullName, "master.cf");
        await File.WriteAllTextAsync(path, "smtp inet n - y - - smtpd\n# mid\n  -o { b = x y }\n# tail\nsmtp unix - - n - - smtp");
        (await OursAsync("-c", directory.FullName, "-Pe", "smtp/*/c=d  e")).ExitCode.ShouldBe(0);
        (await File.ReadAllTextAsync(path)).ShouldBe(
            "smtp       inet  n       -       y       -       -       smtpd\n    -o {b=x y}\n    -o {c=d  e}\n# mid\n# tail\n"
            + "smtp       unix  -       -       n       -       -       smtp\n    -o {c=d  e}\n");
    }

    /// <summary>Both are linked with the OpenSSL of this system.</summary>
    [Theory]
    [InlineData("run-version")]
    [InlineData("public-key-algorithms")]
    public async Task What_OpenSSL_can_do_is_asked_of_it_as_Postfix_does(string mode)
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/postconf"), "Postfix is not installed: apt-get install postfix");
        var theirs = await Postmap.PostfixCommand.RunAsync("postconf", "-T", mode);
        var ours = await OursAsync("-c", directory.FullName, "-T", mode);
        ours.Output.ShouldBe(theirs.Output);
        ours.ExitCode.ShouldBe(0);
    }

    [Theory]
    [InlineData(0, "", "", "-a")]
    [InlineData(0, "", "", "-A")]
    [InlineData(0, "OpenSSL ", "", "-T", "run-version")]
    [InlineData(0, "OpenSSL ", "", "-T", "compile-version")]
    [InlineData(1, "", "unknown 'postconf -T' mode: x", "-T", "x")]
    public async Task Parts_of_the_program_are_shown_or_it_is_said_that_they_are_not_there(int exitCode, string output, string error, params string[] options)
    {
        var result = await OursAsync(["-c", directory.FullName, .. options]);
        result.ExitCode.ShouldBe(exitCode);
        result.Output.ShouldStartWith(output);
        result.Output.Length.ShouldBeLessThan(40);
        result.Error.ShouldContain(error);
    }

    [Fact]
    public async Task Edit_that_would_break_master_cf_is_refused()
    {
        var path = Path.Combine(directory.FullName, "master.cf");
        var before = await File.ReadAllTextAsync(path);
        var result = await OursAsync("-c", directory.FullName, "-Fe", "smtp/inet/chroot=z");
        result.ExitCode.ShouldBe(1);
        result.Error.ShouldContain("postconf: fatal: invalid chroot field \"z\" in \"z\"");
        (await File.ReadAllTextAsync(path)).ShouldBe(before);
    }

    [Fact]
    public async Task What_is_not_edited_keeps_its_bytes()
    {
        var path = Path.Combine(directory.FullName, "main.cf");
        await File.WriteAllBytesAsync(path, [.. "# \xe9\r\na = \xff"u8, 0xe9, .. "\n b\n\nlast = x"u8]);
        var before = await File.ReadAllBytesAsync(path);
        (await OursAsync("-c", directory.FullName, "-e", "name=v\u00e4lue")).ExitCode.ShouldBe(0);
        (await File.ReadAllBytesAsync(path)).ShouldBe([.. before, .. "\nname = v\u00e4lue\n"u8]);

        // The second byte of this letter is a no-break space in Latin-1.
        var masterPath = Path.Combine(directory.FullName, "master.cf");
        await File.WriteAllTextAsync(masterPath, "smtp unix - - n - - smtp -o a=\u00e0\n");
        (await OursAsync("-c", directory.FullName, "-Fe", "smtp/unix/process_limit=1")).ExitCode.ShouldBe(0);
        (await File.ReadAllTextAsync(masterPath)).ShouldBe("smtp       unix  -       -       n       -       1       smtp\n    -o a=\u00e0\n");
    }

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Mta.sln")))
        {
            directory = directory.Parent!;
        }

        return directory.FullName;
    }

    private static Dictionary<string, string> Values(string output) =>
        output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(" =", 2)).ToDictionary(p => p[0], p => p[1].Trim());

    private static async Task<Result> OursAsync(params string[] arguments)
    {
        using var output = new MemoryStream();
        var error = new StringWriter { NewLine = "\n" };
        int exitCode;
        using (var terminal = new Terminal("postconf", Stream.Null, output, error))
        {
            exitCode = await Postconf.RunAsync(terminal, arguments, TestContext.Current.CancellationToken);
        }

        return new Result(exitCode, Encoding.UTF8.GetString(output.ToArray()), Sorted(error.ToString()));
    }

    private static async Task<Result> PostfixAsync(params string[] arguments)
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/postconf"), "Postfix is not installed: apt-get install postfix");
        using var process = new Process { StartInfo = new ProcessStartInfo("postconf", arguments) { RedirectStandardOutput = true, RedirectStandardError = true } };
        process.Start();
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return new Result(process.ExitCode, output, Sorted(await error));
    }

    /// <summary>Postfix gives some warnings more than once, and some in the order of a hash table.</summary>
    private static string Sorted(string text) => string.Join('\n', text.Split('\n').Distinct().Order(StringComparer.Ordinal));

    private sealed record Result(int ExitCode, string Output, string Error);
}
