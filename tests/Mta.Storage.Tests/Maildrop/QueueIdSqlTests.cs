using Mta.Core.Queue;
using Mta.Testing;
using Npgsql;
using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Maildrop;

public sealed class QueueIdSqlTests
{
    [Fact]
    public async Task Sql_writes_and_reads_the_same_text_as_the_program()
    {
        await using var database = await TestDatabase.CreateAsync();
        var random = new Random(7);
        var ids = Enumerable.Range(0, 500).Select(_ => random.NextInt64(0, (1L << 31) * 1_000_000 << 12 & long.MaxValue))
            .Concat([0, 1, 4095, 4096, 999_999L << 12, 1_000_000L << 12, 51, 52, 0x7fff_ffffL * 1_000_000 << 12])
            .Where(id => id >> 12 < (1L << 31) * 1_000_000)
            .ToArray();
        await using var command = database.DataSource.CreateCommand("SELECT id, mta.queue_id(id), mta.queue_number(mta.queue_id(id)) FROM unnest($1) AS t(id)");
        command.Parameters.Add(new NpgsqlParameter { Value = ids });
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            var id = reader.GetInt64(0);
            reader.GetString(1).ShouldBe(new QueueId(id).ToString());
            reader.GetInt64(2).ShouldBe(id);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("4jZ1wB3XJhz0000")]
    [InlineData("4jZ1wB3XJh01000")]
    [InlineData("4jZ1wAAXJhz1000")]
    [InlineData("zzzzzzzzzzzyyyy")]
    [InlineData("4jZ1wB3XJhz1000 ")]
    public async Task Text_that_is_no_queue_id_is_null(string text)
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var command = database.DataSource.CreateCommand("SELECT mta.queue_number($1)");
        command.Parameters.Add(new NpgsqlParameter { Value = text });
        (await command.ExecuteScalarAsync(TestContext.Current.CancellationToken)).ShouldBe(DBNull.Value);
        QueueId.TryParse(text, out _).ShouldBeFalse();
    }
}
