using System.Text;
using Mta.Core.Config;
using Mta.EndToEnd.Tests.Postmap;
using Mta.Storage.Connections;
using Mta.Testing;
using Mta.Tools;
using Mta.Tools.Import;
using Mta.Tools.Postmap;
using Npgsql;
using Shouldly;
using Xunit;
using JudgeCommand = Mta.EndToEnd.Tests.Postmap.PostfixCommand;

namespace Mta.EndToEnd.Tests.Import;

/// <summary>A Postfix's configuration directory with everything that names tables, moved here; Debian's postmap answers for the same files.</summary>
public sealed class ImportTests : IAsyncLifetime
{
    private readonly string directory = Directory.CreateTempSubdirectory("mta-import-").FullName;
    private TestDatabase database = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string Postfix => Path.Combine(directory, "postfix");

    private string Target => Path.Combine(directory, "mta");

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        Directory.CreateDirectory(Postfix);
        Write("main.cf", $$"""
            # The configuration of a relay
            compatibility_level = 3.6
            queue_directory = /var/spool/postfix
            mail_owner = postfix
            myhostname = mail.example.com
            alias_maps = hash:{{Postfix}}/aliases
            virtual_alias_maps = proxy:hash:$config_directory/virtual,
               # nested
               unionmap:{btree:{{Postfix}}/union, hash:{{Postfix}}/gone}
            canonical_maps = ${nothing?hash:/none}${nothing:hash:{{Postfix}}/canonical}
            transport_maps = hash:${config_directory}/transport
            smtpd_recipient_restrictions = permit_mynetworks, check_client_access pipemap:{hash:{{Postfix}}/client,static:OK},
              reject_unauth_destination, own
            own = check_sender_access hash:{{Postfix}}/sender
            mynetworks = 127.0.0.0/8 !hash:{{Postfix}}/outside
            smtp_tls_session_cache_database = btree:${data_directory}/smtp_scache
            virtual_transport = lmtp:unix:private/dovecot-lmtp
            local_transport = lmtp:unix:private/lmtp
            relocated_maps = hash:{{Postfix}}/missing
            virtual_mailbox_maps = mysql:{{Postfix}}/mysql.cf
            body_checks = regexp:{{Postfix}}/body
            foo = bar
            indexed = hash:{{Postfix}}/

            """);
        Write("master.cf", $$"""
            smtp inet n - y - 1 postscreen
            smtpd pass - - y - - smtpd
            lmtp unix - - y - - lmtp
            submission inet n - y - - smtpd
              -o { smtpd_client_restrictions = check_client_access hash:$config_directory/other }
              -o alias_maps=hash:{{Postfix}}/aliases2
              -o smtpd_helo_restrictions=warn_if_reject,check_nothing_access,hash:{{Postfix}}/other
            faxes unix - n n - - /usr/bin/fax

            """);
        Write("virtual", "info@Example.com alice, bob\n@example.net carol\n  , dave\ndup one\nDUP two\n\"a b\"@example.com quoted\nbadline\nuser+x@e.x ext\n");
        Write("union", "k one\n");
        Write("gone", "k two\nGone was here\n");
        Write("canonical", "user@old.example new@example.com\n@old2.example @example.com\n");
        Write("transport", "example.com smtp:[relay]:25\n.example.org :\n* error:no\n");
        Write("client", "1.2.3.4 ok\n");
        Write("sender", "user@x reject no  thanks\n");
        Write("outside", "10.0.0.1 x\n");
        Write("other", "host.example 554 no\n");
        Write("aliases", "Root: alice,\n  bob\n\"two words\": x\nlist: :include:/etc/list\n");
        Write("aliases2", "postmaster: root\n");
        Write("body", "/x/ WARN\n");
        foreach (var name in (string[])["virtual", "gone", "canonical", "transport", "client", "sender", "outside", "other"])
        {
            await JudgeCommand.RunAsync("postmap", "-c", Postfix, "hash:" + Path.Combine(Postfix, name));
        }

        await JudgeCommand.RunAsync("postmap", "-c", Postfix, "btree:" + Path.Combine(Postfix, "union"));
        await JudgeCommand.RunAsync("postalias", "-c", Postfix, "hash:" + Path.Combine(Postfix, "aliases"));
        await JudgeCommand.RunAsync("postalias", "-c", Postfix, "hash:" + Path.Combine(Postfix, "aliases2"));
        File.Delete(Path.Combine(Postfix, "gone"));
    }

    public async ValueTask DisposeAsync()
    {
        Directory.Delete(directory, recursive: true);
        await database.DisposeAsync();
    }

    [Fact]
    public async Task Answers_after_an_import_are_Postfixs()
    {
        var (exit, output, error) = await ImportAsync("-c", Target, Postfix);
        exit.ShouldBe(1, output + error);
        string[] keys =
        [
            "info@example.com", "INFO@EXAMPLE.COM", "@example.net", "dup", "\"a b\"@example.com", "a b@example.com", "badline", "user+x@e.x", "k", "gone",
            "user@old.example", "@old2.example", "example.com", ".example.org", "*", "1.2.3.4", "user@x", "10.0.0.1", "host.example", "root", "ROOT",
            "two words", "\"two words\"", "list", "postmaster", "none",
        ];
        foreach (var name in (string[])["virtual", "gone", "canonical", "transport", "client", "sender", "outside", "other", "aliases", "aliases2", "union"])
        {
            var reference = $"{(name == "union" ? "btree" : "hash")}:{Path.Combine(Postfix, name)}";
            foreach (var key in keys)
            {
                var theirs = await JudgeCommand.RunAsync("postmap", "-c", Postfix, "-q", key, reference);
                (await PostmapAsync("", "-q", key, reference)).ShouldBe((theirs.Exit, theirs.Output), $"{reference} {key}");
            }
        }
    }

    [Fact]
    public async Task It_says_what_it_did_what_differs_and_what_it_left()
    {
        var (exit, output, _) = await ImportAsync("-c", Target, "-o", "mail_owner=mta", Postfix);
        exit.ShouldBe(1);
        foreach (var line in (string[])
            [
                $"  hash:{Postfix}/virtual  5 entries from {Postfix}/virtual (virtual_alias_maps)",
                $"  hash:{Postfix}/gone  2 entries from {Postfix}/gone.db (virtual_alias_maps)",
                $"  hash:{Postfix}/sender  1 entries from {Postfix}/sender (own)",
                $"  hash:{Postfix}/other  1 entries from {Postfix}/other (submission: smtpd_client_restrictions, submission: smtpd_helo_restrictions)",
                $"  hash:{Postfix}/aliases2  1 entries from {Postfix}/aliases2 (submission: alias_maps)",
                $"  {Postfix}/virtual, line 5: duplicate entry: \"dup\"",
                $"  {Postfix}/virtual, line 7: expected format: key whitespace value",
                $"  no source file {Postfix}/gone, only {Postfix}/gone.db: read with /usr/sbin/postmap -s",
                $"  hash:{Postfix}/missing was not imported: open {Postfix}/missing: No such file or directory (relocated_maps)",
                $"  mysql:{Postfix}/mysql.cf: tables of type mysql are not available; mail that needs it is deferred (virtual_mailbox_maps)",
                "  btree:/var/lib/postfix/smtp_scache: a cache, which begins empty here (smtp_tls_session_cache_database)",
                $"  regexp:{Postfix}/body: read as a file, as by Postfix; \"postmap regexp:{Postfix}/body\" stores it for all nodes (body_checks)",
                $"  {Postfix}/main.cf: unused parameter: foo=bar",
                "  mail_owner: not taken over, for it is about Postfix's own installation",
                "  mail_owner = mta: as given",
                "  private/dovecot-lmtp is another program's socket; written as /var/spool/postfix/private/dovecot-lmtp",
                $"  {Postfix}/master.cf, line 4: smtpd_helo_restrictions: restriction \"check_nothing_access\" is not implemented in this version: take it out of the new file, or smtpd does not start",
                $"  {Postfix}/main.cf: smtpd_recipient_restrictions: restriction \"own\" is not implemented in this version: take it out of the new file, or smtpd does not start",
                $"  {Postfix}/master.cf, line 8: service faxes/unix: /usr/bin/fax is not available; the service is now a comment",
            ])
        {
            output.Split('\n').ShouldContain(line);
        }

        output.ShouldNotContain($"hash:{Postfix}/ ");
        var main = MainCf.Parse("main.cf", await File.ReadAllTextAsync(Path.Combine(Target, "main.cf"), Stop));
        main.Problems.ShouldBeEmpty();
        var values = main.Entries.ToDictionary(e => e.Name, e => e.Value);
        values["virtual_alias_maps"].ShouldStartWith($"proxy:hash:{Postfix}/virtual,");
        values["transport_maps"].ShouldBe($"hash:{Postfix}/transport");
        values["virtual_transport"].ShouldBe("lmtp:unix:/var/spool/postfix/private/dovecot-lmtp");
        values["local_transport"].ShouldBe("lmtp:unix:private/lmtp");
        values["mail_owner"].ShouldBe("mta");
        values.ShouldNotContainKey("queue_directory");
        var master = MasterCf.Parse("master.cf", await File.ReadAllTextAsync(Path.Combine(Target, "master.cf"), Stop), InetEndpoint.CommonPorts);
        master.Problems.ShouldBeEmpty();
        master.Services.Select(s => s.Command).ShouldNotContain("/usr/bin/fax");
        master.Services.Single(s => s.Name == "submission").Overrides[0].Value.ShouldBe($"check_client_access hash:{Postfix}/other");
    }

    [Fact]
    public async Task A_dry_run_changes_nothing_and_says_the_same()
    {
        var dry = await ImportAsync("--dry-run", "-c", Target, Postfix);
        Directory.Exists(Target).ShouldBeFalse();
        await using var command = database.DataSource.CreateCommand("SELECT count(*) FROM mta.lookup_table");
        (await command.ExecuteScalarAsync(Stop)).ShouldBe(0L);
        dry.Output.ShouldEndWith("Nothing was changed.\n");
        var real = await ImportAsync("-c", Target, Postfix);
        dry.Exit.ShouldBe(real.Exit);
        dry.Output.Split('\n').Where(l => l.StartsWith("  ", StringComparison.Ordinal)).ShouldBe(
            real.Output.Split('\n').Where(l => l.StartsWith("  ", StringComparison.Ordinal)));
    }

    /// <summary>Defaults such as address_verify_transport_maps name the same table again.</summary>
    [Fact]
    public async Task Each_table_has_the_kind_of_its_use_and_is_in_the_view_of_that_kind()
    {
        await ImportAsync("-c", Target, Postfix);
        await using var command = database.DataSource.CreateCommand($"SELECT name, kind FROM mta.lookup_table WHERE starts_with(name, '{Postfix}/')");
        await using var reader = await command.ExecuteReaderAsync(Stop);
        var kinds = new Dictionary<string, string>();
        while (await reader.ReadAsync(Stop))
        {
            kinds.Add(Path.GetFileName(reader.GetString(0)), reader.GetString(1));
        }

        kinds.ShouldBe(
            new Dictionary<string, string>
            {
                ["aliases"] = "aliases", ["aliases2"] = "aliases", ["virtual"] = "virtual", ["union"] = "virtual", ["gone"] = "virtual", ["canonical"] = "canonical",
                ["transport"] = "transport", ["client"] = "map", ["sender"] = "access", ["outside"] = "map", ["other"] = "access",
            },
            ignoreOrder: true);
    }

    [Fact]
    public async Task Sockets_of_other_programs_are_written_out_also_in_tables()
    {
        const string spool = "/var/spool/postfix";
        await File.AppendAllTextAsync(
            Path.Combine(Postfix, "main.cf"),
            """
            smtpd_milters = local:opendkim/opendkim.sock, unix:/run/x.sock, { unix:private/milter, command_timeout=5s }
            non_smtpd_milters = $smtpd_milters
            mailbox_transport_maps = texthash:$config_directory/texthash
            header_checks = regexp:$config_directory/sockets

            """,
            Stop);
        await File.AppendAllTextAsync(Path.Combine(Postfix, "master.cf"), "10587 inet n - n - - smtpd\n  -o smtpd_sasl_path=private/auth\n", Stop);
        Write("transport", "a.test lmtp:unix:private/dovecot-lmtp\nb.test smtp:unix:private/dovecot-lmtp\nc.test lmtp:unix:private/lmtp\nd.test lmtp:unix:/run/x\ne.test smtp:[x]:25\n");
        Write("sender", "x FILTER lmtp:unix:public/filter\ny check_policy_service unix:private/policy\n");
        Write("texthash", "# unix:private/no\na lmtp:unix:private/other\n");
        Write("sockets", "/x/ FILTER smtp:unix:private/checker\n");
        var (_, output, _) = await ImportAsync("-c", Target, Postfix);
        async Task<string> AnswerAsync(string table, string key) => (await PostmapAsync("", "-q", key, $"hash:{Postfix}/{table}")).Output.TrimEnd();
        (await AnswerAsync("transport", "a.test")).ShouldBe($"lmtp:unix:{spool}/private/dovecot-lmtp");
        (await AnswerAsync("transport", "b.test")).ShouldBe($"smtp:unix:{spool}/private/dovecot-lmtp");
        (await AnswerAsync("transport", "c.test")).ShouldBe("lmtp:unix:private/lmtp");
        (await AnswerAsync("transport", "d.test")).ShouldBe("lmtp:unix:/run/x");
        (await AnswerAsync("sender", "x")).ShouldBe($"FILTER lmtp:unix:{spool}/public/filter");
        (await AnswerAsync("sender", "y")).ShouldBe($"check_policy_service unix:{spool}/private/policy");
        output.ShouldContain($"  {Postfix}/transport: private/dovecot-lmtp is another program's socket; stored as {spool}/private/dovecot-lmtp (2 entries); write it so in the file too");
        output.ShouldContain($"  {Postfix}/texthash, line 2: private/other is another program's socket, below Postfix's queue directory: write {spool}/private/other");
        output.ShouldContain($"  {Postfix}/sockets, line 1: private/checker is another");
        output.ShouldNotContain("private/no");
        var values = MainCf.Parse("main.cf", await File.ReadAllTextAsync(Path.Combine(Target, "main.cf"), Stop)).Entries.ToDictionary(e => e.Name, e => e.Value);
        values["smtpd_milters"].ShouldBe($"local:{spool}/opendkim/opendkim.sock, unix:/run/x.sock, {{ unix:{spool}/private/milter, command_timeout=5s }}");
        (await File.ReadAllTextAsync(Path.Combine(Target, "master.cf"), Stop)).ShouldContain($"-o smtpd_sasl_path={spool}/private/auth\n");
    }

    [Fact]
    public async Task Own_parameters_of_the_replaced_main_cf_are_kept()
    {
        Directory.CreateDirectory(Target);
        await File.WriteAllTextAsync(Path.Combine(Target, "main.cf"), "database_url = postgresql:///x\nmyhostname = old\n" + string.Concat(Parameters.Own.Skip(1).Select(p => $"{p.Name} = {p.DefaultText}\n")), Stop);
        await ImportAsync("-c", Target, Postfix);
        var text = await File.ReadAllTextAsync(Path.Combine(Target, "main.cf"), Stop);
        text.ShouldContain("database_url = postgresql:///x\n");
        foreach (var own in Parameters.Own)
        {
            text.ShouldContain($"\n{own.Name} =");
        }

        text.ShouldContain("myhostname = mail.example.com\n");
        text.ShouldStartWith("# The configuration of a relay\n");
        (await File.ReadAllTextAsync(Path.Combine(Target, "main.cf.before-import"), Stop)).ShouldContain("myhostname = old\n");
    }

    [Theory]
    [InlineData("virtual", false)]
    [InlineData("transport", false)]
    [InlineData("aliases", true)]
    public async Task An_exported_table_makes_the_same_table(string name, bool aliases)
    {
        await ImportAsync("-c", Target, Postfix);
        var table = "hash:" + Path.Combine(Postfix, name);
        var before = await PostmapAsync("", "-s", table);
        var file = Path.Combine(directory, "exported");
        (await ExportAsync("-o", file, table)).ShouldBe(0);
        File.Move(file, Path.Combine(Postfix, name), overwrite: true);
        using (var terminal = Start("postmap", "", out _, out var error))
        {
            (await MapTool.RunAsync(terminal, [table], aliases, Host(), Stop)).ShouldBe(0);
            error.ToString().ShouldBe("");
        }

        (await PostmapAsync("", "-s", table)).ShouldBe(before);
        before.Output.ShouldNotBeEmpty();

        // Postfix reads it, too.
        var theirs = await JudgeCommand.RunAsync(aliases ? "postalias" : "postmap", "-c", Postfix, table);
        theirs.Error.Split('\n').ShouldNotContain(l => l.Contains(name + ", line"));
    }

    [Fact]
    public async Task Help_and_misuse()
    {
        (await ImportAsync("--help")).Output.ShouldContain("--dry-run");
        (await ImportAsync()).Exit.ShouldBe(1);
        (await ImportAsync("/none")).ShouldBe((1, "", "postmap: fatal: open /none/main.cf: No such file or directory\n"));
    }

    private static Terminal Start(string name, string input, out MemoryStream output, out StringWriter error)
    {
        output = new MemoryStream();
        error = new StringWriter { NewLine = "\n" };
        return new Terminal(name, new MemoryStream(Encoding.UTF8.GetBytes(input)), output, error);
    }

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(Postfix, name), text);

    private async Task<(int Exit, string Output, string Error)> ImportAsync(params string[] arguments)
    {
        MemoryStream output;
        StringWriter error;
        int exit;
        using (var terminal = Start("postmap", "", out output, out error))
        {
            exit = await ImportCommand.RunAsync(terminal, arguments, (_, _) => Task.FromResult(DatabasePool.FromNpgsqlDataSource(database.DataSource)), Stop);
        }

        return (exit, Encoding.UTF8.GetString(output.ToArray()), error.ToString());
    }

    private async Task<int> ExportAsync(params string[] arguments)
    {
        using var terminal = Start("postmap", "", out _, out _);
        return await ExportCommand.RunAsync(terminal, arguments, Host().LoadSettings, Host().OpenDatabase, Stop);
    }

    private async Task<(int Exit, string Output)> PostmapAsync(string input, params string[] arguments)
    {
        MemoryStream output;
        int exit;
        using (var terminal = Start("postmap", input, out output, out _))
        {
            exit = await MapTool.RunAsync(terminal, arguments, aliases: false, Host(), Stop);
        }

        return (exit, Encoding.UTF8.GetString(output.ToArray()));
    }

    private MapToolHost Host() =>
        new((_, _) => Task.FromResult<Settings?>(new Settings([new("default_database_type", "hash")])), (_, _) => Task.FromResult(DatabasePool.FromNpgsqlDataSource(database.DataSource)));
}
