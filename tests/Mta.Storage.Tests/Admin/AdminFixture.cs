using Mta.Core.Queue;
using Mta.Storage.Connections;
using Mta.Storage.Tests.Queue;
using Npgsql;

namespace Mta.Storage.Tests.Admin;

/// <summary>A queue with one live node, and connections of the roles that administrators, reports and applications have.</summary>
internal sealed class AdminFixture : IAsyncDisposable
{
    private AdminFixture(QueueFixture queue)
    {
        Queue = queue;
        Admin = queue.As("mta_admin");
        Report = queue.As("mta_report");
        Submit = queue.As("mta_submit");
    }

    public QueueFixture Queue { get; }

    public DatabasePool Admin { get; }

    public DatabasePool Report { get; }

    public DatabasePool Submit { get; }

    public static async Task<AdminFixture> CreateAsync() => new(await QueueFixture.CreateAsync());

    /// <summary>Stores a message; the queue "active", "incoming", "deferred", "hold" or "corrupt" has it then.</summary>
    public async Task<QueueId> StoreAsync(string queueName, string sender = "s@example.com", string recipient = "r@example.org")
    {
        var message = Queue.Message(queueName == "active", sender, recipient);
        await Queue.Accept.StoreAsync(message);
        var extra = queueName switch
        {
            "deferred" => ", 'example.org', now() + interval '1 hour', now()",
            "hold" => ", now(), 'test'",
            "corrupt" => ", now(), 'no content'",
            _ => null,
        };
        if (extra is not null)
        {
            await Queue.ExecuteAsync($"WITH m AS (DELETE FROM mta_store.incoming RETURNING *) INSERT INTO mta_store.{queueName} SELECT m.*{extra} FROM m");
        }

        return message.Envelope.Id;
    }

    /// <summary>One value, as the administrator; null as an empty text.</summary>
    public async Task<string> AskAsync(string sql) => await ScalarAsync(Admin, sql);

    public Task<string> CallAsync(string function, QueueId id) => AskAsync($"SELECT mta.{function}('{id}')");

    public static async Task<string> ScalarAsync(DatabasePool role, string sql)
    {
        await using var command = role.CreateCommand(sql);
        return (await command.ExecuteScalarAsync())?.ToString() ?? "";
    }

    /// <summary>What the database says to a statement that it refuses.</summary>
    public static async Task<string> RefusedAsync(DatabasePool role, string sql)
    {
        try
        {
            await ScalarAsync(role, sql);
            return "not refused: " + sql;
        }
        catch (PostgresException e)
        {
            return e.SqlState == PostgresErrorCodes.InsufficientPrivilege ? "denied" : e.MessageText;
        }
    }

    public async Task<string> QueueOfAsync(QueueId id) => await AskAsync($"SELECT queue_name FROM mta.queue WHERE id = {id.Value}");

    public async ValueTask DisposeAsync()
    {
        await Admin.DisposeAsync();
        await Report.DisposeAsync();
        await Submit.DisposeAsync();
        await Queue.DisposeAsync();
    }
}
