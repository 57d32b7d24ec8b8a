using System.Diagnostics;
using System.Text;
using Mta.Core.Queue;
using Mta.Storage.Maildrop;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Maildrop;

public sealed class MaildropTests : IAsyncLifetime
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(5);

    private static readonly Submission Simple = new() { Sender = "alice@example.com", Recipients = ["bob@example.org"], UserId = 1000 };

    private TestDatabase database = null!;
    private NpgsqlDataSource submitRole = null!;
    private MaildropStore store = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.CreateAsync();
        submitRole = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database.ConnectionString) { Options = "-c role=mta_submit" });
        store = new MaildropStore(database.DataSource);
    }

    public async ValueTask DisposeAsync()
    {
        await submitRole.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task Message_of_the_submit_role_reaches_pickup_whole()
    {
        var content = new byte[3_500_000];
        new Random(1).NextBytes(content);
        var submission = new Submission
        {
            Sender = "",
            Recipients = ["bob@example.org", "\"a b\"@example.org"],
            Notify = DsnNotify.Success | DsnNotify.Delay,
            Return = DsnReturn.Headers,
            EnvelopeId = "x+2By",
            Flags = EnvelopeFlags.EightBit,
            UserId = 4_000_000_000,
        };
        var id = await new MaildropWriter(submitRole).SubmitAsync(submission, new MemoryStream(content), Cancel);

        var message = (await store.TakeAsync(10, Lease, Cancel)).ShouldHaveSingleItem();
        message.Id.ShouldBe(id);
        message.Id.NodeNumber.ShouldBeLessThan(16);
        message.Recipients.ShouldBe(submission.Recipients);
        message.Notify.ShouldBe(submission.Notify);
        message.Return.ShouldBe(DsnReturn.Headers);
        message.EnvelopeId.ShouldBe("x+2By");
        message.Flags.ShouldBe(EnvelopeFlags.EightBit);
        message.UserId.ShouldBe(4_000_000_000);
        message.Size.ShouldBe(content.Length);
        (await ReadAsync(message)).ShouldBe(content);
    }

    [Fact]
    public async Task Taken_message_is_not_taken_again_before_it_is_released()
    {
        await SubmitAsync();
        var taken = (await store.TakeAsync(10, Lease, Cancel)).ShouldHaveSingleItem();
        (await store.TakeAsync(10, Lease, Cancel)).ShouldBeEmpty();
        await store.ReleaseAsync(taken.Id, TimeSpan.FromHours(1), Cancel);
        (await store.TakeAsync(10, Lease, Cancel)).ShouldBeEmpty();
        await store.ReleaseAsync(taken.Id, TimeSpan.Zero, Cancel);
        (await store.TakeAsync(10, Lease, Cancel)).ShouldHaveSingleItem().Attempts.ShouldBe(2);
    }

    [Fact]
    public async Task Message_is_finished_once()
    {
        var id = await SubmitAsync();
        await FinishAsync(id);
        var again = await Should.ThrowAsync<PostgresException>(() => FinishAsync(id));
        again.SqlState.ShouldBe(MaildropSql.AlreadyEnqueued);
        (await CountAsync("mta_store.maildrop_chunk")).ShouldBe(0);
    }

    [Fact]
    public async Task File_of_the_spool_is_handed_in_once_until_it_is_forgotten()
    {
        var name = Guid.NewGuid();
        var writer = new MaildropWriter(database.DataSource);
        (await writer.SubmitFileAsync(name, Simple, Content("x\n"), Cancel)).ShouldNotBeNull();
        (await writer.SubmitFileAsync(name, Simple, Content("x\n"), Cancel)).ShouldBeNull();
        (await CountAsync("mta_store.maildrop")).ShouldBe(1);
        await store.ForgetFileAsync(name, Cancel);
        (await CountAsync("mta_store.maildrop_file")).ShouldBe(0);
    }

    [Fact]
    public async Task Submitting_by_sql_in_parallel_gives_ids_of_their_own()
    {
        const string sql = "SELECT count(DISTINCT mta.submit('a@example.com', ARRAY['b@example.com'], E'Subject: x\\n\\nx\\n')) FROM generate_series(1, 500)";
        var counts = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => ScalarAsync(submitRole, sql)));
        counts.ShouldAllBe(c => Equals(c, 500L));
        (await CountAsync("mta_store.maildrop")).ShouldBe(2000);
    }

    [Theory]
    [InlineData("mta.submit(NULL, ARRAY['b@example.com'], 'x')", "sender is NULL")]
    [InlineData("mta.submit(E'a\\nb', ARRAY['b@example.com'], 'x')", "sender is not an address")]
    [InlineData("mta.submit('a', NULL, 'x')", "there are no recipients")]
    [InlineData("mta.submit('a', '{}', 'x')", "there are no recipients")]
    [InlineData("mta.submit('a', ARRAY['b', NULL], 'x')", "recipient is not an address: \"NULL\"")]
    [InlineData("mta.submit('a', ARRAY[E'b\\r'], 'x')", "recipient is not an address: \"b?\"")]
    [InlineData("mta.submit('a', ARRAY['b'], NULL::bytea)", "the piece of the message is NULL")]
    [InlineData("mta.submit('a', ARRAY['b'], 'x', 'sometimes')", "\"sometimes\" is none of")]
    [InlineData("mta.submit('a', ARRAY['b'], 'x', 'never,delay')", "\"never\" does not go with another word")]
    [InlineData("mta.submit('a', ARRAY['b'], 'x', NULL, 'half')", "neither full nor hdrs")]
    [InlineData("mta.submit('a', ARRAY['b'], 'x', flags => 4)", "only 1 (SMTPUTF8) and 2 (8BITMIME)")]
    [InlineData("mta.submit('a b', ARRAY['b'], 'x')", "sender is not an address: \"a b\"")]
    [InlineData("mta.submit('a@x', ARRAY['@y'], 'x')", "recipient is not an address: \"@y\"")]
    [InlineData("mta.submit('a@x', ARRAY['<b@y>'], 'x')", "recipient is not an address: \"<b@y>\"")]
    [InlineData("mta.submit('a@x', ARRAY['Bob <b@y>'], 'x')", "recipient is not an address")]
    [InlineData("mta.submit('a@x', ARRAY['b@y, c@y'], 'x')", "recipient is not an address: \"b@y, c@y\"")]
    [InlineData("mta.submit('a@x', ARRAY['b@y '], 'x')", "recipient is not an address")]
    [InlineData("mta.submit('a@x', ARRAY['b@y@z'], 'x')", "recipient is not an address")]
    [InlineData("mta.submit('a@x', ARRAY['b@y..z'], 'x')", "recipient is not an address")]
    [InlineData("mta.submit('a@x', ARRAY['b@-y-'], 'x')", "recipient is not an address")]
    [InlineData("mta.submit('a@x', ARRAY['b@'], 'x')", "recipient is not an address")]
    [InlineData("mta.submit('a@x', ARRAY['\"b@y'], 'x')", "recipient is not an address")]
    [InlineData("mta.submit('a@x', ARRAY['b@y'], repeat('x', 10240001))", "larger than message_size_limit (10240000 bytes)")]
    [InlineData("mta.submit_append(1, 'x')", "was not begun in this transaction")]
    [InlineData("mta.submit_finish(1)", "was not begun in this transaction")]
    public async Task Bad_input_is_refused_in_words(string call, string words)
    {
        var error = await Should.ThrowAsync<PostgresException>(() => ScalarAsync(submitRole, "SELECT " + call));
        error.MessageText.ShouldContain(words);
    }

    [Theory]
    [InlineData("bob", "bob")]
    [InlineData("b.c+d=e/f%g!h@xn--a.example.com", "b.c+d=e/f%g!h@xn--a.example.com")]
    [InlineData("m\u00fcller@b\u00fccher.example", "m\u00fcller@b\u00fccher.example")]
    [InlineData("b@[192.0.2.1]", "b@[192.0.2.1]")]
    [InlineData("b@[IPv6:2001:db8::1]", "b@[IPv6:2001:db8::1]")]
    [InlineData("b@example.com.", "b@example.com.")]
    [InlineData("\"b c\"@y", "b c@y")]
    [InlineData("\"b\\\"@c\"@y", "b\"@c@y")]
    public async Task Address_is_taken_as_mail_writes_it_and_stored_without_quotes(string written, string stored)
    {
        await using (var command = submitRole.CreateCommand("SELECT mta.submit($1, ARRAY['first@x', $1], 'x')"))
        {
            command.Parameters.AddWithValue(written);
            await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
        }

        (await ScalarAsync(database.DataSource, "SELECT sender FROM mta_store.maildrop")).ShouldBe(stored);
        (await ScalarAsync(database.DataSource, "SELECT recipients FROM mta_store.maildrop")).ShouldBe(new[] { "first@x", stored });
    }

    [Fact]
    public async Task Least_size_limit_of_the_live_nodes_counts_and_none_is_none()
    {
        const string Big = "SELECT mta.submit('a', ARRAY['b'], repeat('x', 2000))";
        await ScalarAsync(database.DataSource, "SELECT mta.begin_epoch('n1', 'i', '1 hour', 'h', 1, '0')");
        await ScalarAsync(database.DataSource, "INSERT INTO mta_store.node_size_limit VALUES ('n1', 1999), ('gone', 10)");
        (await Should.ThrowAsync<PostgresException>(() => ScalarAsync(submitRole, Big))).MessageText.ShouldContain("(1999 bytes)");
        await ScalarAsync(database.DataSource, "UPDATE mta_store.node_size_limit SET bytes = 0");
        await ScalarAsync(submitRole, "SELECT mta.submit('a', ARRAY['b'], repeat('x', 10240001))");
    }

    [Theory]
    [InlineData("SELECT 1 FROM mta_store.maildrop")]
    [InlineData("SELECT 1 FROM mta_store.maildrop_chunk")]
    [InlineData("SELECT mta.maildrop_take(1, '1 s')")]
    [InlineData("SELECT mta.maildrop_finish('{}')")]
    [InlineData("DELETE FROM mta_store.maildrop")]
    [InlineData("SELECT 1 FROM mta_store.content")]
    public async Task Submit_role_may_do_nothing_else(string sql)
    {
        var error = await Should.ThrowAsync<PostgresException>(() => ScalarAsync(submitRole, sql));
        error.SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege);
    }

    [Fact]
    public async Task Message_that_was_not_finished_is_never_taken_and_swept_later()
    {
        await ScalarAsync(submitRole, "SELECT mta.submit_begin('a', ARRAY['b'])");
        (await store.TakeAsync(10, Lease, Cancel)).ShouldBeEmpty();

        // What any older transaction of the cluster could still finish is left alone: also those of other tests.
        for (var start = Stopwatch.GetTimestamp(); await CountAsync("mta_store.maildrop") > 0 && Stopwatch.GetElapsedTime(start) < TimeSpan.FromMinutes(1);)
        {
            await store.SweepAsync(Cancel);
        }

        (await CountAsync("mta_store.maildrop")).ShouldBe(0);
    }

    [Fact]
    public async Task Message_in_pieces_rolls_back_with_its_transaction()
    {
        await using var connection = await submitRole.OpenConnectionAsync(Cancel);
        await using (var transaction = await connection.BeginTransactionAsync(Cancel))
        {
            await using var command = new NpgsqlCommand("SELECT mta.submit('a', ARRAY['b'], 'x')", connection);
            await command.ExecuteScalarAsync(Cancel);
            await transaction.RollbackAsync(Cancel);
        }

        (await CountAsync("mta_store.maildrop")).ShouldBe(0);
    }

    private static MemoryStream Content(string text) => new(Encoding.UTF8.GetBytes(text));

    private Task<QueueId> SubmitAsync() => new MaildropWriter(submitRole).SubmitAsync(Simple, Content("Subject: x\n\nhello\n"), Cancel);

    private async Task<byte[]> ReadAsync(MaildropMessage message)
    {
        var whole = new MemoryStream();
        await foreach (var piece in store.ReadContentAsync(message, Cancel))
        {
            whole.Write(piece);
        }

        return whole.ToArray();
    }

    private async Task FinishAsync(QueueId id)
    {
        await using var command = database.DataSource.CreateCommand(MaildropSql.Finish);
        command.Parameters.Add(new NpgsqlParameter { Value = new[] { id.Value } });
        await command.ExecuteNonQueryAsync(Cancel);
    }

    private async Task<long> CountAsync(string table) => (long)(await ScalarAsync(database.DataSource, $"SELECT count(*) FROM {table}"))!;

    private static async Task<object?> ScalarAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancel);
    }
}
