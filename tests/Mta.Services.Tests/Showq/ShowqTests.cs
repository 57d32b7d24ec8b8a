using System.Net.Sockets;
using System.Text;
using Mta.Core.Config;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Services.Flush;
using Mta.Services.Maps;
using Mta.Services.Net;
using Mta.Services.Showq;
using Mta.Storage.Queue;
using Mta.Storage.Showq;
using Mta.Testing;
using Shouldly;
using Xunit;

namespace Mta.Services.Tests.Showq;

public sealed class ShowqTests : IAsyncLifetime, ILogSink
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("mta-showq-");
    private TestDatabase database = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Settings Settings => new(
        [new("queue_directory", directory.FullName), new("relay_domains", "relay.example"), new("authorized_mailq_users", "nobody-else"), new("authorized_flush_users", "nobody-else")]);

    public async ValueTask InitializeAsync() => database = await TestDatabase.CreateAsync();

    public async ValueTask DisposeAsync()
    {
        await database.DisposeAsync();
        directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Lists_all_queues_in_postfix_order_with_owner_and_reasons()
    {
        var ids = Enumerable.Range(0, 5).Select(i => QueueId.Create(1_795_571_972_000_000 + i, 16)).ToArray();
        await ExecuteAsync($"""
            INSERT INTO mta.node (number, name, instance, epoch, state, lease_until, heartbeat_at, started_at, id_bound, host, process_id, program_version)
                VALUES (16, 'one', '3f333df6-90a4-4fda-8dd3-9485d27cee36', 7, 'live', now(), now(), now(), 0, 'h', 1, '0.1.0');
            INSERT INTO mta_store.hold (id, sender, size, recipient_count, chunk_count) VALUES ({ids[0].Value}, 'h@x', 1, 1, 1);
            INSERT INTO mta_store.deferred (id, sender, size, recipient_count, chunk_count, destination, due_at) VALUES ({ids[1].Value}, '', 2, 1, 1, 'x', now());
            INSERT INTO mta_store.incoming (id, sender, size, recipient_count, chunk_count) VALUES ({ids[2].Value}, 'i@x', 3, 2, 1);
            INSERT INTO mta_store.active (id, sender, size, recipient_count, chunk_count, epoch) VALUES ({ids[3].Value}, 'a@x', 4, 1, 1, 7);
            INSERT INTO mta_store.recipient (message_id, number, address, original, reason) VALUES
                ({ids[0].Value}, 0, 'r0@x', NULL, NULL), ({ids[1].Value}, 0, 'r1@x', 'o1@x', 'no route'), ({ids[2].Value}, 1, 'r3@x', NULL, NULL),
                ({ids[2].Value}, 0, 'r2@x', NULL, NULL), ({ids[3].Value}, 0, 'r4@x', NULL, NULL);
            SELECT mta.submit('m@x', ARRAY['r5@x'], 'hello');
            """);
        await using var service = Service();
        var lines = (await AskAsync("showq", "json")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines[0].ShouldBe("ok");
        lines[1..].Select(l => l[..l.IndexOf(',', StringComparison.Ordinal)]).ShouldBe(
            ["{\"queue_name\": \"maildrop\"", "{\"queue_name\": \"active\"", "{\"queue_name\": \"incoming\"", "{\"queue_name\": \"deferred\"", "{\"queue_name\": \"hold\""]);
        lines[2].ShouldEndWith("\"recipients\": [{\"address\": \"r4@x\"}], \"node\": \"one\"}");
        lines[3].ShouldEndWith("\"recipients\": [{\"address\": \"r2@x\"}, {\"address\": \"r3@x\"}]}");
        lines[4].ShouldEndWith("\"sender\": \"MAILER-DAEMON\", \"recipients\": [{\"orig_address\": \"o1@x\", \"address\": \"r1@x\", \"delay_reason\": \"no route\"}]}");
        (await AskAsync("showq", "text UTC")).ShouldContain($"\n{ids[0]}!         1 Wed Nov 25 01:59:32 h@x\n");
    }

    [Fact]
    public async Task Long_queue_is_listed_whole()
    {
        await ExecuteAsync("""
            INSERT INTO mta_store.incoming (id, sender, size, recipient_count, chunk_count) SELECT n * 4096 + 16, 'a@x', 1000, 1, 1 FROM generate_series(1, 20000) n;
            INSERT INTO mta_store.recipient (message_id, number, address) SELECT n * 4096 + 16, 0, 'b@x' FROM generate_series(1, 20000) n;
            """);
        await using var service = Service();
        (await AskAsync("showq", "text UTC")).ShouldEndWith("\n-- 19531 Kbytes in 20000 Requests.\n");
    }

    [Fact]
    public async Task Only_the_owner_and_listed_users_are_answered()
    {
        await using var tables = new TableRegistry(new MailLog(this), TimeProvider.System);
        var users = new LocalUsers(tables, Settings);
        (await users.RefusedAsync(Parameters.AuthorizedMailqUsers, 0, Cancel)).ShouldBeNull();
        (await users.RefusedAsync(Parameters.AuthorizedMailqUsers, 1, Cancel)).ShouldBe("daemon(1)");
        (await users.RefusedAsync(Parameters.AuthorizedMailqUsers, 4_000_000_000, Cancel)).ShouldBe("unknown(4000000000)");
        (await users.RefusedAsync(Parameters.AuthorizedSubmitUsers, 4_000_000_000, Cancel)).ShouldBeNull();
    }

    [Fact]
    public async Task Flush_makes_deferred_mail_due_and_wakes_the_node()
    {
        await ExecuteAsync("""
            INSERT INTO mta_store.deferred (id, sender, size, recipient_count, chunk_count, destination, due_at) VALUES (4096016, '', 2, 1, 1, 'relay.example', now() + interval '1 h');
            INSERT INTO mta_store.destination (name, next_due) VALUES ('relay.example', now() + interval '1 h');
            """);
        var woken = 0;
        await using var tables = new TableRegistry(new MailLog(this), TimeProvider.System);
        await using var service = new FlushService(new QueueRequests(database.DataSource), tables, Settings, new MailLog(this), () => woken++);
        (await AskAsync("flush", "all")).ShouldBe("ok\n");
        (await AskAsync("flush", $"id {new QueueId(4096016)}")).ShouldBe("ok\n");
        (await AskAsync("flush", "site relay.example")).ShouldBe("ok\n");
        (await AskAsync("flush", "site other.example")).ShouldBe("Flush service is not configured for destination \"other.example\"\n");
        (await AskAsync("flush", "nonsense")).ShouldBe("unknown request\n");
        woken.ShouldBe(3);
        await using var command = database.DataSource.CreateCommand("SELECT next_due <= now() FROM mta_store.destination");
        (await command.ExecuteScalarAsync(Cancel)).ShouldBe(true);
    }

    void ILogSink.Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text)
    {
    }

    private ShowqService Service() =>
        new(new QueueLister(database.DataSource), new TableRegistry(new MailLog(this), TimeProvider.System), Settings, new MailLog(this));

    private async Task<string> AskAsync(string service, string request)
    {
        using var socket = await LocalEndpoint.ConnectAsync(LocalEndpoint.Path(directory.FullName, service), Cancel);
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request + "\n"), Cancel);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(Cancel);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = database.DataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancel);
    }
}
