using Mta.Core.Config;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Configuration;

/// <summary>What may be written to mta.parameter, and what is refused with which words.</summary>
public sealed class ParameterTableTests : IAsyncLifetime
{
    private TestDatabase database = null!;

    public async ValueTask InitializeAsync() => database = await TestDatabase.CreateAsync();

    public ValueTask DisposeAsync() => database.DisposeAsync();

    [Theory]
    [InlineData("relayhost", "[relay.example.com]:25")]
    [InlineData("message_size_limit", "20480000")]
    [InlineData("maximal_queue_lifetime", "3d")]
    [InlineData("queue_run_delay", "10")]
    [InlineData("smtpd_helo_required", "YES")]
    [InlineData("smtpd_tls_security_level", "")]
    [InlineData("notify_classes", "bounce, 2bounce\tdelay")]
    [InlineData("address_verify_poll_count", "${stress?{1}:{3}}")]
    [InlineData("mynetworks", "127.0.0.0/8 [::1]/128 !10.0.0.1 cidr:{{10.0.0.0/8 ok}}")]
    [InlineData("smtpd_banner", "$myhostname ESMTP | see https://example.com/")]
    [InlineData("default_rbl_reply", "$rbl_code blocked; see http://x/${rbl_domain}")]
    [InlineData("header_checks", "regexp:{{/^Subject: (a|b){2}/ REJECT}}")]
    [InlineData("virtual_alias_maps", "hash:/etc/postfix/virtual, proxy:lmdb:$config_directory/v, inline:{a@b=c@d}")]
    [InlineData("smtp_destination_concurrency_limit", "7")]
    [InlineData("mytransport_destination_rate_delay", "2s")]
    [InlineData("smtpd_recipient_restrictions", "check_recipient_access hash:/etc/x, check_policy_service inet:127.0.0.1:9998, reject")]
    [InlineData("local_transport", "local:$myhostname")]
    public async Task Good_values_are_taken(string name, string value)
    {
        await WriteAsync(name, value);
        (await ScalarAsync("SELECT changed_by FROM mta.parameter")).ShouldBe("postgres");
    }

    [Theory]
    [InlineData("smtpd_helo_required", "maybe", "bad boolean configuration: smtpd_helo_required = maybe (write yes or no)")]
    [InlineData("message_size_limit", "10M", "bad numerical configuration: message_size_limit = 10M (write a whole number)")]
    [InlineData("queue_run_delay", "5 minutes", "parameter queue_run_delay: bad time value or unit: 5 minutes (write a whole number and s, m, h, d or w, as in 300s)")]
    [InlineData("queue_run_delay", "0", "invalid queue_run_delay parameter value 0 < 1 s")]
    [InlineData("qmgr_fudge_factor", "101", "invalid qmgr_fudge_factor parameter value 101 > 100")]
    [InlineData("default_process_limit", "99999999999", "invalid default_process_limit parameter value 99999999999 > 2147483647")]
    [InlineData("smtp_destination_concurrency_limit", "many", "bad numerical configuration: smtp_destination_concurrency_limit = many (write a whole number)")]
    [InlineData("smtp_tls_security_level", "strong", "bad value of smtp_tls_security_level: \"strong\" (write one of: none, may, encrypt, dane, dane-only, fingerprint, verify, secure, or nothing)")]
    [InlineData("notify_classes", "bounce, all", "bad value of notify_classes: \"all\" (write any of: bounce, 2bounce, data, delay, policy, protocol, resource, software)")]
    [InlineData("default_transport", "", "bad string length 0 < 1: default_transport =  (give it a value)")]
    [InlineData("nosuch", "x", "nosuch: unknown parameter (user-defined ones belong into main.cf; restriction classes are named in smtpd_restriction_classes first)")]
    [InlineData("mailbox_command", "/bin/sh", "mailbox_command cannot be set in SQL: it decides which commands run on a host, and how; set it in main.cf")]
    [InlineData("mail_owner", "root", "mail_owner cannot be set in SQL: it names users of a host, or says what they may do; set it in main.cf")]
    [InlineData("queue_directory", "/tmp", "queue_directory cannot be set in SQL: it names a file, a directory or a socket of a host; set it in main.cf")]
    [InlineData("database_url", "x", "database_url cannot be set in SQL: it says which database this is, and which node; set it in main.cf")]
    [InlineData("shlib_directory", "/x", "shlib_directory cannot be set in SQL: it names a file, a directory or a socket of a host; set it in main.cf")]
    [InlineData("smtp_sasl_password_maps", "hash:/x", "smtp_sasl_password_maps cannot be set in SQL: it holds passwords; set it in main.cf")]
    [InlineData("inet_interfaces", "all", "inet_interfaces cannot be set in SQL: master(8) reads it before the database is open; set it in main.cf")]
    [InlineData("virtual_alias_maps", "texthash:/etc/shadow", "virtual_alias_maps = texthash:/etc/shadow: \"texthash:\" reads from the host or from another database, which a value in SQL may not")]
    [InlineData("virtual_alias_maps", "proxy:pgsql:{hosts=x}", "virtual_alias_maps = proxy:pgsql:{hosts=x}: \"pgsql:\" reads from the host or from another database, which a value in SQL may not")]
    [InlineData("virtual_alias_maps", "unionmap:{hash:/x, Unix:passwd.byname}", "virtual_alias_maps = unionmap:{hash:/x, Unix:passwd.byname}: \"Unix:\" reads from the host or from another database, which a value in SQL may not")]
    [InlineData("header_checks", "pcre:/etc/passwd", "header_checks = pcre:/etc/passwd: \"pcre:\" reads from the host or from another database, which a value in SQL may not")]
    [InlineData("mydestination", "a, /etc/shadow", "mydestination = a, /etc/shadow: a file or a command of the host, which a value in SQL may not name")]
    [InlineData("mynetworks", "!/etc/shadow", "mynetworks = !/etc/shadow: a file or a command of the host, which a value in SQL may not name")]
    [InlineData("alias_maps", "static:|/bin/sh", "alias_maps = static:|/bin/sh: a file or a command of the host, which a value in SQL may not name")]
    [InlineData("alias_maps", "pcre:{{/./ |sh}}", "alias_maps = pcre:{{/./ |sh}}: a file or a command of the host, which a value in SQL may not name")]
    [InlineData("luser_relay", "|sh", "luser_relay = |sh: a file or a command of the host, which a value in SQL may not name")]
    [InlineData("always_bcc", ":include:/etc/x", "always_bcc = :include:/etc/x: \":include:\" reads from the host or from another database, which a value in SQL may not")]
    [InlineData("content_filter", "lmtp:unix:private/x", "content_filter = lmtp:unix:private/x: \"unix:\" reads from the host or from another database, which a value in SQL may not")]
    [InlineData("smtpd_milters", "local:/run/x", "smtpd_milters = local:/run/x: \"local:\" is a socket of the host, which a value in SQL may not name")]
    [InlineData("smtpd_banner", "$database_url", "smtpd_banner = $database_url: a value in SQL may not refer to $database_url")]
    [InlineData("smtpd_banner", "${ mine_password?x}", "smtpd_banner = ${ mine_password?x}: a value in SQL may not refer to $mine_password")]
    [InlineData("smtpd_banner", "${myhostname", "smtpd_banner = ${myhostname: truncated macro reference: every { needs its }")]
    public async Task A_bad_value_is_refused_with_the_reason(string name, string value, string reason) =>
        (await Should.ThrowAsync<PostgresException>(() => WriteAsync(name, value))).MessageText.ShouldBe(reason);

    [Fact]
    public async Task What_the_database_and_the_node_take_for_a_reference_to_a_host_is_the_same()
    {
        string[] values =
        [
            "hash:/x", "texthash:/x", "a,texthash:/x", "mytexthash:/x", "{texthash : /x}", "pipe:x", "pipemap:{hash:/x}", "pipemap:{unix:/x}", "regexp:/x", "regexp: {{/a/ b}}",
            "pcre:{{/a{1,2}/ b}} /x", "cidr:{{1.2.3.4 ok}}", "socketmap:inet:h:1:n", "socketmap:unix:/x:n", "environ:PATH", "file:/x", "x=/y", "x:/y", "(/x", "\"|x", "a|b", ":include:x",
            "static:x", "static:{/x}", "static: \"x", "inline:{a=|b}", "inline:{ {a = b} }", "memcache:x", "EGD:/x", "a/b", "/",
        ];
        foreach (var value in values)
        {
            var theirs = await ScalarAsync("SELECT mta_store.parameter_host_reference('virtual_alias_maps', $1)", value);
            StoredParameterPolicy.Check(Parameters.VirtualAliasMaps, value).ShouldBe(theirs as string, value);
        }
    }

    [Fact]
    public async Task A_restriction_class_is_named_before_it_is_written()
    {
        await Should.ThrowAsync<PostgresException>(() => WriteAsync("mine", "reject"));
        await WriteAsync("smtpd_restriction_classes", "other, mine");
        await WriteAsync("mine", "check_client_access hash:/etc/x, reject");
        await Should.ThrowAsync<PostgresException>(() => WriteAsync("other", "check_client_access texthash:/etc/x"));
    }

    [Fact]
    public async Task A_parameter_has_one_row_for_all_nodes_and_one_for_each()
    {
        await ExecuteAsync("SELECT mta.set_parameter('relayhost', ' a\n b ', NULL, 'why')");
        await ExecuteAsync("SELECT mta.set_parameter('relayhost', 'c')");
        await ExecuteAsync("SELECT mta.set_parameter('relayhost', 'd', 'mx1')");
        await Should.ThrowAsync<PostgresException>(() => WriteAsync("relayhost", "e"));
        (await ScalarAsync("SELECT string_agg(concat_ws(' ', name, value, node, comment), '; ' ORDER BY node NULLS FIRST) FROM mta.parameter")).ShouldBe("relayhost c why; relayhost d mx1");
        (await ScalarAsync("SELECT mta.reset_parameter('relayhost')")).ShouldBe(true);
        (await ScalarAsync("SELECT mta.reset_parameter('relayhost')")).ShouldBe(false);
        (await ScalarAsync("SELECT count(*) FROM mta.parameter")).ShouldBe(1L);
    }

    [Fact]
    public async Task Every_change_raises_the_version_that_nodes_poll()
    {
        var before = (long)(await ScalarAsync("SELECT version FROM mta_store.parameter_version"))!;
        await WriteAsync("relayhost", "a");
        await ExecuteAsync("UPDATE mta.parameter SET value = 'b'");
        await ExecuteAsync("DELETE FROM mta.parameter");
        (await ScalarAsync("SELECT version FROM mta_store.parameter_version")).ShouldBe(before + 3);
    }

    [Fact]
    public async Task Administrators_write_reports_read_and_nodes_may_not_change_it()
    {
        await using var connection = await database.DataSource.OpenConnectionAsync();
        await AsAsync("mta_admin", "INSERT INTO mta.parameter (name, value, node, comment) VALUES ('relayhost', 'a', NULL, 'b')");
        await AsAsync("mta_admin", "SELECT mta.set_parameter('relayhost', 'b'); UPDATE mta.parameter SET value = 'c' WHERE name = 'relayhost'");
        await AsAsync("mta_report", "SELECT * FROM mta.parameter; SELECT * FROM mta.parameter_problem");
        await AsAsync("mta_submit", "SELECT * FROM mta.parameters_of('x')");
        await Refused("mta_admin", "UPDATE mta.parameter SET changed_by = 'nobody'");
        await Refused("mta_admin", "UPDATE mta_store.parameter_definition SET refused = NULL");
        await Refused("mta_report", "DELETE FROM mta.parameter");
        await Refused("mta_submit", "SELECT * FROM mta.parameter");
        await Refused("mta_daemon", "UPDATE mta.parameter SET value = 'd'");
        await Refused("mta_daemon", "SELECT mta.set_parameter('relayhost', 'd')");
        await AsAsync("mta_admin", "SELECT mta.reset_parameter('relayhost')");

        async Task AsAsync(string role, string sql)
        {
            await using var command = new NpgsqlCommand($"SET ROLE {role}; {sql}; RESET ROLE", connection);
            await command.ExecuteNonQueryAsync();
        }

        async Task Refused(string role, string sql)
        {
            (await Should.ThrowAsync<PostgresException>(() => AsAsync(role, sql))).SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege);
            await using var reset = new NpgsqlCommand("RESET ROLE", connection);
            await reset.ExecuteNonQueryAsync();
        }
    }

    private Task WriteAsync(string name, string value) => ScalarAsync("INSERT INTO mta.parameter (name, value) VALUES ($1, $2)", name, value);

    private Task ExecuteAsync(string sql) => ScalarAsync(sql);

    private async Task<object?> ScalarAsync(string sql, params string[] values)
    {
        await using var command = database.DataSource.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.AddWithValue(value);
        }

        return await command.ExecuteScalarAsync();
    }
}
