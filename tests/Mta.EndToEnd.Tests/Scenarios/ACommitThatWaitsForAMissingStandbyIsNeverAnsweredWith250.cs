using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class ACommitThatWaitsForAMissingStandbyIsNeverAnsweredWith250
{
    private const string Waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'mta accept'";

    [Fact]
    public async Task A_commit_that_waits_for_a_missing_standby_is_never_answered_with_250()
    {
        var token = TestContext.Current.CancellationToken;
        await using var mta = await MtaInstance.StartAsync(token);
        await mta.SqlAsync(token, "ALTER SYSTEM SET synchronous_standby_names = 'missing'", "SELECT pg_reload_conf()");
        await using var client = await mta.ConnectAsync(token);

        var waiting = client.SendMailAsync("sender@client.test", [$"user1@{MtaInstance.VirtualDomain}"], TestMail.Make("waiting", "x\n"), token);
        await Until.TrueAsync(async () => (long)(await mta.SqlAsync(token, $"SELECT count(*) {Waiting}"))! > 0, "a commit waits for the standby", token);
        waiting.IsCompleted.ShouldBeFalse();

        // Cut off in its wait: the row is visible, but the standby has not got it.
        await mta.SqlAsync(token, $"SELECT count(pg_terminate_backend(pid)) {Waiting}");
        await Until.TrueAsync(async () => (long)(await mta.SqlAsync(token, $"SELECT count(*) {Waiting}"))! == 0, "it is cut off", token);
        waiting.IsCompleted.ShouldBeFalse();

        await mta.SqlAsync(token, "SET synchronous_commit = local", "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()");
        var reply = await waiting;
        await Until.TrueAsync(() => IsAcceptedAsync(mta, token), "mail is accepted again", token);
        await mta.WaitForMailsAsync("user2", 1, token);
        await mta.WaitForEmptyQueueAsync(token);
        if (reply.StartsWith('2'))
        {
            mta.Mails("user1").Length.ShouldBe(1);
        }
    }

    private static async Task<bool> IsAcceptedAsync(MtaInstance mta, CancellationToken cancellationToken)
    {
        try
        {
            await using var client = await mta.ConnectAsync(cancellationToken);
            var reply = await client.SendMailAsync("sender@client.test", [$"user2@{MtaInstance.VirtualDomain}"], TestMail.Make("after", "x\n"), cancellationToken);
            return reply.StartsWith("250 ", StringComparison.Ordinal);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
