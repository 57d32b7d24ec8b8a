using Mta.Storage.Maps;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Maps;

/// <summary>Rows that the typed views take, and rows that they refuse with a reason and a way to mend them.</summary>
public sealed class TypedRowTests(TypedRowTests.Shared shared) : IClassFixture<TypedRowTests.Shared>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("access", "x.test", "FROBNICATE now", "\"FROBNICATE\" is no action of access(5), and no restriction")]
    [InlineData("access", "x.test", "FROBNICATE", "\"FROBNICATE\" is no action")]
    [InlineData("access", "x.test", "permit_mynetworks, rejct_all, frobnicate", "\"rejct_all\" is no action")]
    [InlineData("access", "x.test", "250 ok", "\"250 ok\" is no reply: its code is 4NN or 5NN")]
    [InlineData("access", "x.test", "check_client_access", "\"check_client_access\" needs a table")]
    [InlineData("access", "x.test", "check_policy_service greylist", "\"check_policy_service\" needs a server")]
    [InlineData("access", "x.test", "reject_rbl_client", "\"reject_rbl_client\" needs a domain")]
    [InlineData("access", "x.test", "sleep", "\"sleep\" needs a time")]
    [InlineData("access", "x.test", "PREPEND text", "\"text\" is no header: write Name: text")]
    [InlineData("access", "x.test", "PREPEND", "breaks the rule access_action_has_its_argument")]
    [InlineData("access", "x.test", "REDIRECT", "breaks the rule access_action_has_its_argument")]
    [InlineData("access", "x.test", "REDIRECT a@x.test, b@x.test", "is more than one address")]
    [InlineData("access", "x.test", "FILTER smtp", "breaks the rule access_filter_names_a_service_and_a_destination")]
    [InlineData("access", "192.0.2.0/24", "REJECT", "networks of any size are for cidr: tables")]
    [InlineData("access", "2001:db8::/32", "REJECT", "networks of any size are for cidr: tables")]
    [InlineData("access", "*.x.test", "REJECT", "is no wildcard")]
    [InlineData("access", "@x.test", "REJECT", "write the domain without @")]
    [InlineData("access", "a b", "REJECT", "breaks the rule access_pattern_is_one_word")]
    [InlineData("aliases", "info", "a,,b", "\"a,,b\" has a comma with no address before or after it")]
    [InlineData("aliases", "info", "a, ", "has a comma with no address")]
    [InlineData("aliases", "info", ", a", "has a comma with no address")]
    [InlineData("aliases", "info", "\"a, b", "has a quote or a parenthesis that is not closed")]
    [InlineData("aliases", "info", "alice bob", "\"alice bob\" has white space")]
    [InlineData("aliases", "info", ":include:list", "has to name a file by its full path")]
    [InlineData("aliases", "info", "\"|\"", "names no command")]
    [InlineData("aliases", "info", "alice@", "lacks the domain after @")]
    [InlineData("aliases", "info", "@x.test", "lacks the local part before @")]
    [InlineData("aliases", "info@x.test", "a", "is looked up by the local part alone")]
    [InlineData("aliases", "info", " ", "breaks the rule alias_has_targets")]
    [InlineData("virtual", "a@x.test", "b,,c", "has a comma with no address")]
    [InlineData("virtual", "a@x.test", "b c", "has white space")]
    [InlineData("virtual", "a@x.test", "|/bin/true", "commands, files and :include: are for aliases(5)")]
    [InlineData("virtual", "a@x.test", "/var/mail/x", "commands, files and :include: are for aliases(5)")]
    [InlineData("virtual", "a@x.test", "<b@x.test>", "is written without < and >")]
    [InlineData("virtual", "*@x.test", "b", "write @domain, for all addresses in it")]
    [InlineData("virtual", "<a@x.test>", "b", "is looked up without < and >")]
    [InlineData("virtual", "a@x.test,b@x.test", "b", "write a row for each address")]
    [InlineData("virtual", "a@", "b", "lacks the domain after @")]
    [InlineData("canonical", "a@x.test", "b@", "lacks the domain after @")]
    [InlineData("canonical", "a@x.test", "<b@x.test>", "is written without < and >")]
    [InlineData("canonical", "<>", "b@x.test", "the null sender is not mapped here")]
    [InlineData("generic", "a@x.test", "b c", "has white space")]
    [InlineData("bcc", "a@x.test", "b@x.test, c@x.test", "is more than one address")]
    [InlineData("bcc", "a@x.test", "@x.test", "lacks the local part before @")]
    [InlineData("transport", "x.test", "smtp:[relay]25", "\"[relay]25\" is no [host] or [host]:port")]
    [InlineData("transport", "x.test", "smtp:[relay", "is no [host] or [host]:port")]
    [InlineData("transport", "x.test", "lmtp:2001:db8::1", "is no host or host:port")]
    [InlineData("transport", "x.test", "smtp:relay:70000", "a port is at most 65535")]
    [InlineData("transport", "*.x.test", "smtp:", "write * for all, .domain for subdomains")]
    [InlineData("transport", "@x.test", "smtp:", "write the domain without @")]
    [InlineData("relayhost", "a@x.test", "smtp:[relay]:587", "\"smtp:[relay]:587\" is no [host] or [host]:port")]
    [InlineData("relayhost", "*@x.test", "[relay]:587", "is no wildcard")]
    [InlineData("sender_login", "a@x.test", "alice,,bob", "has a comma with no login")]
    [InlineData("mailbox", "a@x.test", "../x", "breaks the rule mailbox_stays_below_its_base")]
    [InlineData("relocated", "*", "elsewhere", "is no wildcard here")]
    public async Task A_bad_row_is_refused_with_the_view_the_key_and_a_hint(string view, string key, string value, string problem)
    {
        var refused = await Should.ThrowAsync<PostgresException>(() => InsertAsync(view, key, value));
        refused.SqlState.ShouldBe(PostgresErrorCodes.CheckViolation);
        refused.MessageText.ShouldStartWith($"mta.{view}, {KeyColumn(view)} \"{key}\": ");
        refused.MessageText.ShouldContain(problem);
        refused.ConstraintName.ShouldNotBeNullOrEmpty();
        refused.Hint.ShouldNotBeNullOrEmpty();
    }

    [Theory]
    [InlineData("access", "x.test", "OK")]
    [InlineData("access", "192.0.2", "reject")]
    [InlineData("access", "2001:db8", "Reject not you, sorry")]
    [InlineData("access", "user@", "DUNNO")]
    [InlineData("access", "<>", "DEFER_IF_PERMIT later")]
    [InlineData("access", ".x.test", "554 5.7.1 no, never")]
    [InlineData("access", "x.test", "1732542000")]
    [InlineData("access", "x.test", "450")]
    [InlineData("access", "x.test", "REDIRECT \"a b\"@x.test")]
    [InlineData("access", "x.test", "BCC root")]
    [InlineData("access", "x.test", "FILTER smtp:")]
    [InlineData("access", "x.test", "PREPEND X-Seen: yes, it was")]
    [InlineData("access", "x.test", "permit_mynetworks, reject_unauth_destination")]
    [InlineData("access", "x.test", "PERMIT_SASL_AUTHENTICATED reject")]
    [InlineData("access", "x.test", "warn_if_reject reject_rbl_client zen.spamhaus.org=127.0.0.[2..8], check_sender_access hash:/etc/postfix/s, sleep 1, permit")]
    [InlineData("access", "x.test", "check_policy_service unix:private/policy")]
    [InlineData("access", "x.test", "check_policy_service { inet:localhost:10023, timeout=10s }, reject")]
    [InlineData("access", "x.test", "greylist")]
    [InlineData("access", "x.test", "local_only, permit_mynetworks")]
    [InlineData("access", "x.test", "hash:/etc/postfix/more")]
    [InlineData("aliases", "Root", "alice, bob@x.test,\"two words\"")]
    [InlineData("aliases", "prog", "\"|/usr/bin/prog -f 'a, b' (x\", |/bin/other, \\alice")]
    [InlineData("aliases", "list", ":include:/etc/list, \":include:/etc/l, m\", /var/mail/archive, (a comment) x, Full Name <a@x.test>")]
    [InlineData("aliases", "two words", "alice")]
    [InlineData("aliases", "owner-list", "é@exämple.test")]
    [InlineData("virtual", "a@x.test", "alice, \"a, b\"@x.test , user+ext@y.test")]
    [InlineData("virtual", "@x.test", "@y.test")]
    [InlineData("virtual", "x.test", "anything")]
    [InlineData("virtual", "\"a b\"@x.test", "alice")]
    [InlineData("virtual", "x@x.test", "/g=a/s=b/@x400.test")]
    [InlineData("canonical", "alice", "Alice.Smith@x.test")]
    [InlineData("canonical", "@old.test", "@new.test")]
    [InlineData("generic", "a@localdomain.local", "a@x.test")]
    [InlineData("bcc", "@x.test", "archive")]
    [InlineData("transport", "*", "smtp:[relay]:25")]
    [InlineData("transport", "x.test", "smtp:[192.0.2.1], [2001:db8::1]:submission, mx.test:25")]
    [InlineData("transport", ".x.test", "error:5.1.1 no such user: go away")]
    [InlineData("transport", "a@x.test", "lmtp:unix:private/lmtp")]
    [InlineData("transport", "b@x.test", "lmtp:inet:[::1]:24")]
    [InlineData("transport", "c.test", ":")]
    [InlineData("transport", "d.test", "uucp:host!path")]
    [InlineData("relayhost", "<>", "DUNNO")]
    [InlineData("relayhost", "@x.test", "relay.test:submission")]
    [InlineData("sender_login", "a@x.test", "alice bob,carol@x.test")]
    [InlineData("mailbox", "@x.test", "x.test/catch all/")]
    [InlineData("relocated", "gone@x.test", "somewhere, far away: +49 30 1")]
    public async Task A_row_that_Postfix_takes_is_taken(string view, string key, string value)
    {
        await InsertAsync(view, key, value);
        (await new LookupStore(shared.Database.DataSource).FindAsync("good-" + view, key.ToLowerInvariant(), Stop)).Value.ShouldBe(value);
    }

    [Theory]
    [InlineData("pcre", "/un(/ REJECT", "the parentheses or brackets of \"un(\" are not balanced")]
    [InlineData("regexp", "/a[b/ REJECT", "are not balanced")]
    [InlineData("pcre", "/x/q REJECT", "\"q\" after the pattern: the flags of pcre are")]
    [InlineData("regexp", "/x/s REJECT", "\"s\" after the pattern: the flags of regexp are i m x")]
    [InlineData("pcre", "/x/", "a pattern needs a result after it")]
    [InlineData("cidr", "192.0.2.0/24", "a network needs a result after it")]
    [InlineData("cidr", "192.0.2.1/24 REJECT", "breaks the rule cidr_rule_names_a_network")]
    [InlineData("pcre", "x REJECT", "breaks the rule pattern_is_between_delimiters")]
    [InlineData("pcre", "# a comment", "a comment or an empty line is no rule")]
    public async Task A_bad_rule_is_refused(string type, string rule, string problem)
    {
        var refused = await Should.ThrowAsync<PostgresException>(() => InsertRuleAsync(type, rule));
        refused.MessageText.ShouldStartWith($"mta.pattern, rule {rule}: ");
        refused.MessageText.ShouldContain(problem);
        refused.Hint.ShouldNotBeNullOrEmpty();
    }

    [Theory]
    [InlineData("pcre", "/^Subject: .*\\(win/i REJECT no $1")]
    [InlineData("pcre", "/a\\/b[)\\]]/ X")]
    [InlineData("pcre", "/\\Q(\\E/ X")]
    [InlineData("pcre", "/(?<!a)b(?P<n>c)++/sxU X")]
    [InlineData("regexp", "/[\\]/ X")]
    [InlineData("regexp", "!/[])(]/mx  DUNNO")]
    [InlineData("regexp", "%/path/%  X")]
    [InlineData("pcre", "if !/^x/")]
    [InlineData("pcre", "endif")]
    [InlineData("cidr", "!192.0.2.0/24 OK")]
    [InlineData("cidr", "if [2001:db8::]/32")]
    [InlineData("cidr", "192.0.2.1 550 no")]
    public async Task A_rule_that_Postfix_takes_is_taken(string type, string rule) => await InsertRuleAsync(type, rule);

    [Fact]
    public async Task Every_rule_of_a_typed_table_has_a_hint()
    {
        await using var command = shared.Database.DataSource.CreateCommand("""
            SELECT coalesce(string_agg(DISTINCT conname, ' '), '') FROM pg_constraint c JOIN pg_class t ON t.oid = conrelid
            WHERE contype = 'c' AND (relname ~ '_entry$' OR relname = 'pattern_rule') AND connamespace = 'mta'::regnamespace
                AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conname = c.conname AND obj_description(o.oid, 'pg_constraint') IS NOT NULL)
            """);
        (await command.ExecuteScalarAsync(Stop)).ShouldBe("");
    }

    [Fact]
    public async Task A_missing_value_is_named()
    {
        var refused = await Should.ThrowAsync<PostgresException>(() => SqlAsync("INSERT INTO mta.aliases (name) VALUES ('x')"));
        refused.MessageText.ShouldBe("mta.aliases: targets of name \"x\" is missing");
        (await Should.ThrowAsync<PostgresException>(() => SqlAsync("INSERT INTO mta.aliases (targets) VALUES ('x')"))).MessageText.ShouldBe("mta.aliases: name is missing");
    }

    [Fact]
    public async Task A_transport_with_its_next_hop_in_one_column_is_refused() =>
        (await Should.ThrowAsync<PostgresException>(() => SqlAsync("INSERT INTO mta.transport (pattern, transport) VALUES ('x.test', 'smtp:[relay]:25')")))
            .MessageText.ShouldContain("what follows the colon belongs into nexthop");

    /// <summary>What Postfix's own tools take from a file stays possible: the views are for people.</summary>
    [Fact]
    public async Task Tables_made_of_files_may_hold_what_Postfix_lets_pass()
    {
        // Not the shared one: of several tables of a kind the views want to know which.
        await using var database = await TestDatabase.CreateAsync();
        var writer = new LookupWriter(database.DataSource);
        await writer.BuildAsync("/etc/aliases", LookupKind.Aliases, new Dictionary<string, string> { ["info"] = "a, , b" }, false, Stop);
        await writer.BuildAsync("/etc/postfix/access", LookupKind.Access, new Dictionary<string, string> { ["x"] = "class_one class_two" }, false, Stop);
    }

    private static string KeyColumn(string view) => view switch
    {
        "aliases" => "name",
        "transport" or "access" => "pattern",
        "relayhost" => "sender",
        _ => "address",
    };

    private async Task InsertAsync(string view, string key, string value)
    {
        await using var command = shared.Database.DataSource.CreateCommand(view == "transport"
            ? "INSERT INTO mta.transport VALUES ($1, $2, split_part($3, ':', 1), substr($3, strpos($3, ':') + 1))"
            : $"INSERT INTO mta.{view} VALUES ($1, $2, $3)");
        foreach (var argument in (string[])["good-" + view, key, value])
        {
            command.Parameters.Add(new() { Value = argument });
        }

        await command.ExecuteNonQueryAsync(Stop);
    }

    private async Task InsertRuleAsync(string type, string rule)
    {
        await using var command = shared.Database.DataSource.CreateCommand("INSERT INTO mta.pattern (map, type, rule) VALUES ($1, $1, $2)");
        command.Parameters.Add(new() { Value = type });
        command.Parameters.Add(new() { Value = rule });
        await command.ExecuteNonQueryAsync(Stop);
    }

    private async Task SqlAsync(string sql)
    {
        await using var command = shared.Database.DataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Stop);
    }

    public sealed class Shared : IAsyncLifetime
    {
        internal TestDatabase Database { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Database = await TestDatabase.CreateAsync();

        public ValueTask DisposeAsync() => Database.DisposeAsync();
    }
}
