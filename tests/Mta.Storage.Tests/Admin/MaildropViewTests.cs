using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Admin;

public sealed class MaildropViewTests
{
    private const string Insert = "INSERT INTO mta.maildrop (sender, recipients, message) VALUES ";

    [Fact]
    public async Task A_plain_insert_is_mail_exactly_if_its_transaction_commits()
    {
        await using var admin = await AdminFixture.CreateAsync();
        await using var connection = await admin.Submit.OpenConnectionAsync();
        foreach (var commit in new[] { false, true })
        {
            await using var transaction = await connection.BeginTransactionAsync();
            await using var insert = new NpgsqlCommand(Insert + "('app@example.com', '{a@example.org,b@example.org}', E'Subject: hi\n\nbody ä\n')", connection);
            await insert.ExecuteNonQueryAsync();
            await (commit ? transaction.CommitAsync() : transaction.RollbackAsync());
            (await admin.Queue.CountAsync("maildrop")).ShouldBe(commit ? 1 : 0);
        }

        (await admin.AskAsync("SELECT queue_name || ' ' || sender || ' ' || recipients || ' ' || size FROM mta.queue")).ShouldBe("maildrop app@example.com 2 21");
        (await admin.AskAsync("SELECT (message IS NULL AND content IS NULL)::text FROM mta.maildrop")).ShouldBe("true");
        (await admin.Queue.ScalarAsync<string>("SELECT convert_from(data, 'UTF8') FROM mta_store.maildrop_chunk")).ShouldBe("Subject: hi\n\nbody ä\n");
    }

    [Fact]
    public async Task Content_may_be_bytes_and_delivery_options_go_with_it()
    {
        await using var admin = await AdminFixture.CreateAsync();
        await AdminFixture.ScalarAsync(admin.Submit,
            @"INSERT INTO mta.maildrop (sender, recipients, content, notify, dsn_return, envelope_id) VALUES ('', '{a@b}', '\x00ff0a', 'success,failure', 'hdrs', 'id1')");
        (await admin.AskAsync("SELECT dsn_return || ' ' || envelope_id || ' ' || size FROM mta.maildrop")).ShouldBe("hdrs id1 3");
    }

    [Theory]
    [InlineData("(NULL, '{a@b}', 'x')", "sender is NULL: the null sender is an empty text")]
    [InlineData("('a@b', '{}', 'x')", "there are no recipients")]
    [InlineData("('a@b', NULL, 'x')", "there are no recipients")]
    [InlineData("('a@b', '{\"\"}', 'x')", "recipient is not an address: \"\"")]
    [InlineData("('a@b', E'{\"c\\nd\"}', 'x')", "recipient is not an address: \"c?d\"")]
    [InlineData("(E'a\\nb', '{c@d}', 'x')", "sender is not an address: \"a?b\"")]
    [InlineData("('a@b', '{c@d}', NULL)", "one of message (text) and content (bytes) is needed")]
    public async Task Bad_input_is_refused_with_words(string values, string words)
    {
        await using var admin = await AdminFixture.CreateAsync();
        (await AdminFixture.RefusedAsync(admin.Submit, Insert + values)).ShouldBe(words);
        (await admin.Queue.CountAsync("maildrop")).ShouldBe(0);
    }
}
