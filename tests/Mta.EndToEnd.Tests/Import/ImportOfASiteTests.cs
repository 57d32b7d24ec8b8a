using System.Text;
using System.Text.RegularExpressions;
using Mta.Core.Config;
using Mta.EndToEnd.Tests.Postmap;
using Mta.Storage.Connections;
using Mta.Testing;
using Mta.Tools;
using Mta.Tools.Import;
using Shouldly;
using Xunit;
using JudgeCommand = Mta.EndToEnd.Tests.Postmap.PostfixCommand;

namespace Mta.EndToEnd.Tests.Import;

/// <summary>
/// A mail server that has grown for years: Debian's main.cf and master.cf with amavis, dovecot, opendkim, postgrey and mailman, and tables
/// that people wrote with all kinds of editors. Before and after the import, every key has the same answer.
/// </summary>
public sealed class ImportOfASiteTests : IAsyncLifetime
{
    private static readonly string[] Stored =
        ["access_client", "access_sender", "canonical", "generic", "relay_recipients", "relayhosts", "relocated", "sasl_passwd", "tls_policy", "transport", "vmailbox", "vdomains", "virtual"];

    private static readonly string[] InPlace = ["pcre:header_checks.pcre", "regexp:body_checks.re", "cidr:clients.cidr", "texthash:recipient_bcc"];

    private readonly string root = Directory.CreateTempSubdirectory("mta-site-").FullName;
    private TestDatabase database = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string Postfix => Path.Combine(root, "postfix");

    private string Target => Path.Combine(root, "mta");

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        Directory.CreateDirectory(Postfix);
        foreach (var file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Import", "Site")))
        {
            // Bytes stay bytes: some of the files are no UTF-8.
            var text = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file)).Replace("@SITE@", Postfix);
            text = Path.GetFileName(file) is "canonical" or "relocated" ? text.Replace("\n", "\r\n") : text;
            await File.WriteAllBytesAsync(Path.Combine(Postfix, Path.GetFileName(file)), Encoding.Latin1.GetBytes(text));
        }

        foreach (var name in Stored)
        {
            (await JudgeCommand.RunAsync("postmap", "-c", Postfix, "hash:" + Path.Combine(Postfix, name))).Exit.ShouldBe(0);
        }

        (await JudgeCommand.RunAsync("postalias", "-c", Postfix, "hash:" + Path.Combine(Postfix, "aliases"))).Exit.ShouldBe(0);
    }

    public async ValueTask DisposeAsync()
    {
        Directory.Delete(root, recursive: true);
        await database.DisposeAsync();
    }

    [Fact]
    public async Task Every_key_has_the_answer_that_it_had()
    {
        await ImportAsync();
        foreach (var (command, type, name) in Stored.Select(n => ("postmap", "hash", n)).Append(("postalias", "hash", "aliases")))
        {
            var table = $"{type}:{Postfix}/{name}";
            var listed = await JudgeCommand.RunAsync(command, "-c", Postfix, "-s", table);
            var ours = await new OurPostmap(database).RunAsync(command, [], ["-s", table], Stop);
            // postalias -s shows names in quotes where they need some, as Postfix 3.12 does.
            var shown = command == "postmap" ? ours.Output : Regex.Replace(ours.Output, "^\"(.*)\"(?=:\t)", m => m.Groups[1].Value.Replace("\\\"", "\""), RegexOptions.Multiline);
            Entries(shown).ShouldBe(Entries(listed.Output), table);
            var keys = Entries(listed.Output).Select(e => e[..e.IndexOf('\t')].TrimEnd(':')).ToList();
            keys.Count.ShouldBeGreaterThan(1, table);
            var asked = string.Join('\n', keys.Concat(keys.Select(k => k.ToUpperInvariant())).Concat(["none", "x@none.test", "postmaster"])) + "\n";
            var theirs = await JudgeCommand.RunWithInputAsync(command, asked, ["-c", Postfix, "-q", "-", table]);
            (await new OurPostmap(database).RunAsync(command, Encoding.UTF8.GetBytes(asked), ["-q", "-", table], Stop)).ShouldBe(theirs with { Error = "" }, table);
        }
    }

    [Fact]
    public async Task Tables_that_stay_files_answer_as_before_and_so_do_those_that_postmap_stores_then()
    {
        await ImportAsync();
        var keys = "Subject: Viagra now\nX-Spam-Flag: YES\nSubject: =?utf-8?b?x?=\nReceived: from x by y\nhello\nTVqQAAMAAAAEAAAA//8AALgAAAA\n192.0.2.7\n198.51.100.9\n2001:db8:1::1\n10.1.2.3\nUser@Example.com\nuser@example.com\nnone\n";
        foreach (var table in InPlace.Select(t => t.Replace(":", ":" + Postfix + "/")))
        {
            var theirs = await JudgeCommand.RunWithInputAsync("postmap", keys, ["-c", Postfix, "-q", "-", table]);
            theirs.Output.ShouldNotBeEmpty();
            (await new OurPostmap(database).RunAsync("postmap", Encoding.UTF8.GetBytes(keys), ["-q", "-", table], Stop)).ShouldBe(theirs, table);
            if (!table.StartsWith("texthash"))
            {
                (await new OurPostmap(database).RunAsync("postmap", [], [table], Stop)).ShouldBe((0, "", ""));
                (await new OurPostmap(database).RunAsync("postmap", Encoding.UTF8.GetBytes(keys), ["-q", "-", table], Stop)).ShouldBe(theirs, table);
            }
        }
    }

    [Fact]
    public async Task The_report_has_no_noise_and_the_new_files_are_right()
    {
        var (exit, output) = await ImportAsync();
        exit.ShouldBe(0, output);
        output.ShouldNotContain("Problems");
        output.ShouldContain($"  {Postfix}/transport: 1 entries name the service mailman, which is not available: mail for them is deferred\n");
        var main = MainCf.Parse("main.cf", await File.ReadAllTextAsync(Path.Combine(Target, "main.cf"), Stop));
        main.Problems.ShouldBeEmpty();
        var values = main.Entries.ToDictionary(e => e.Name, e => e.Value);
        values["virtual_alias_domains"].ShouldContain("$indexed/vdomains");
        values["virtual_transport"].ShouldBe("lmtp:unix:/var/spool/postfix/private/dovecot-lmtp");
        MasterCf.Parse("master.cf", await File.ReadAllTextAsync(Path.Combine(Target, "master.cf"), Stop), InetEndpoint.CommonPorts).Problems.ShouldBeEmpty();
    }

    private static List<string> Entries(string output) =>
        [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => l[0] != '@' && !l.StartsWith("YP_")).Order(StringComparer.Ordinal)];

    private async Task<(int Exit, string Output)> ImportAsync()
    {
        var output = new MemoryStream();
        var error = new StringWriter { NewLine = "\n" };
        int exit;
        using (var terminal = new Terminal("postmap", new MemoryStream(), output, error))
        {
            exit = await ImportCommand.RunAsync(terminal, ["-c", Target, Postfix], (_, _) => Task.FromResult(DatabasePool.FromNpgsqlDataSource(database.DataSource)), Stop);
        }

        error.ToString().ShouldBe("");
        return (exit, Encoding.UTF8.GetString(output.ToArray()));
    }
}
