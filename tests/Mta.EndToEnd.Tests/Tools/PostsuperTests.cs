using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Tools;

public sealed class PostsuperTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("-x", "postsuper: invalid option -- 'x'\npostsuper: fatal: usage: postsuper [-c config_dir]")]
    [InlineData("-d ALL nosuch", "postsuper: fatal: invalid directory name: nosuch\n")]
    public async Task Misuse_is_refused_as_postfix_refuses_it(string arguments, string words)
    {
        await using var mta = MtaInstance.Create();
        var result = await mta.RunAsync("postsuper", arguments.Split(' '), "", Token);
        result.ExitCode.ShouldBe(1);
        result.Error.ShouldStartWith(words);
    }

    [Fact]
    public async Task Mail_is_held_released_expired_and_deleted_by_id_from_standard_input_and_all_at_once()
    {
        await using var mta = await MtaInstance.StartAsync(Token, $"relayhost = [127.0.0.1]:{Ports.Free()}");
        foreach (var user in new[] { "a", "b", "c" })
        {
            (await mta.RunAsync("sendmail", ["-f", $"{user}@sender.test", "x@elsewhere.test"], "Subject: x\n\nhello\n", Token)).Succeeded();
        }

        await Until.TrueAsync(async () => (await mta.QueueAsync(Token)).Count(m => m.QueueName == "deferred") == 3, "all are deferred", Token);
        var ids = (await mta.QueueAsync(Token)).Select(m => m.QueueId).ToArray();

        (await SuperAsync(mta, "", "-h", ids[0])).ShouldBe($"postsuper: {ids[0]}: placed on hold\npostsuper: Placed on hold: 1 message\n");
        (await SuperAsync(mta, "", "-h", ids[0])).ShouldBe("postsuper: Placed on hold: 0 messages\n");
        (await mta.QueueAsync(Token)).Single(m => m.QueueId == ids[0]).QueueName.ShouldBe("hold");
        (await SuperAsync(mta, $"{ids[2]}\nbad/id\n{ids[1]}\n{ids[2]}\n", "-h", "-")).ShouldBe(
            $"postsuper: warning: invalid mail queue id: bad/id\npostsuper: {ids[2]}: placed on hold\npostsuper: {ids[1]}: placed on hold\npostsuper: Placed on hold: 2 messages\n");
        (await SuperAsync(mta, "", "-d", "ALL", "deferred")).ShouldBe("postsuper: Deleted: 0 messages\n");
        (await SuperAsync(mta, "", "-d", ids[0], "-h", ids[0], "-r", "X/Y")).ShouldBe(
            $"postsuper: {ids[0]}: removed\npostsuper: warning: invalid mail queue id: X/Y\n" +
            "postsuper: Requeued: 0 messages\npostsuper: Deleted: 1 message\npostsuper: Placed on hold: 0 messages\n");
        (await SuperAsync(mta, "", "-e", ids[2], "-e", ids[2])).ShouldBe($"postsuper: {ids[2]}: expired\npostsuper: Force-expired: 1 message\n");
        (await SuperAsync(mta, "", "-e", "ALL", "hold")).ShouldBe("postsuper: Force-expired: 1 message\n");
        (await SuperAsync(mta, "", "-f", ids[1])).ShouldBe(
            $"postsuper: {ids[1]}: released from hold\npostsuper: Force-expired: 0 messages\npostsuper: Released from hold: 1 message\n");
        await mta.WaitForLogAsync($"{ids[1]}: from=<b@sender.test>, status=force-expired, returned to sender", Token);
        (await SuperAsync(mta, "", "-H", "ALL")).ShouldBe("postsuper: Released from hold: 1 message\n");
        await mta.WaitForLogAsync($"{ids[2]}: from=<c@sender.test>, status=force-expired, returned to sender", Token);
        (await SuperAsync(mta, "", "-d", "ALL")).ShouldStartWith("postsuper: Deleted: ");
        await mta.WaitForEmptyQueueAsync(Token);
        (await SuperAsync(mta, "", "-ps")).ShouldBe("");

        var log = mta.Log();
        log.ShouldContain($"]: {ids[0]}: placed on hold\n");
        log.ShouldContain($"]: {ids[0]}: removed\n");
        log.ShouldContain($"]: {ids[2]}: expired\n");
        log.ShouldContain($"]: {ids[1]}: released from hold\n");
        log.ShouldContain("]: Placed on hold: 2 messages\n");
    }

    private static async Task<string> SuperAsync(MtaInstance mta, string input, params string[] arguments)
    {
        var result = await mta.RunAsync("postsuper", arguments, input, Token);
        result.Succeeded();
        return result.Error;
    }
}
