using Mta.Storage.Connections;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Connections;

public sealed class PoolerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pooler_in_transaction_mode_is_refused_with_words()
    {
        await using var test = await TestDatabase.CreateAsync();
        await using var bouncer = await PgBouncer.StartAsync(test.ConnectionString, Cancel);

        var migration = await Should.ThrowAsync<StorageException>(() => Database.Connect(bouncer.ConnectionString).MigrateAsync(null, Cancel));
        var reading = await Should.ThrowAsync<StorageException>(() => Database.Connect(bouncer.ConnectionString).ReadSchemaAsync(Cancel));

        migration.Failure.ShouldBe(StorageFailure.Fatal);
        migration.Message.ShouldContain("a connection pooler such as PgBouncer answers at 127.0.0.1:");
        reading.Message.ShouldBe(migration.Message);
    }

    [Fact]
    public async Task Application_submits_mail_through_a_pooler_in_its_transaction()
    {
        await using var test = await TestDatabase.CreateAsync();
        await using var bouncer = await PgBouncer.StartAsync(test.ConnectionString, Cancel);
        await using var source = NpgsqlDataSource.Create(bouncer.ConnectionString);
        await using var connection = await source.OpenConnectionAsync(Cancel);
        foreach (var commits in new[] { false, true })
        {
            await using var transaction = await connection.BeginTransactionAsync(Cancel);
            await using var submit = new NpgsqlCommand("SELECT mta.submit('s@example.com', ARRAY['r@example.org'], E'Subject: x\\n\\nx\\n')", connection);
            await submit.ExecuteScalarAsync(Cancel);
            await (commits ? transaction.CommitAsync(Cancel) : transaction.RollbackAsync(Cancel));
        }

        await using var count = test.DataSource.CreateCommand("SELECT count(*) FROM mta.maildrop");
        (await count.ExecuteScalarAsync(Cancel)).ShouldBe(1L);
    }
}
