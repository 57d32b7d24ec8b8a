using Mta.Core.Delivery;
using Mta.Core.Queue;
using Shouldly;
using Xunit;
using static Mta.Services.Tests.Smtp.SmtpScenario;

namespace Mta.Services.Tests.Smtp;

public sealed class LmtpDeliveryTests
{
    [Fact]
    public async Task Each_recipient_has_a_reply_to_the_message()
    {
        await using var server = new ScriptedServer
        {
            IsLmtp = true,
            Reply = line => line.Contains("b@", StringComparison.Ordinal) ? "550 5.1.1 unknown" : null,
            Outcome = i => i == 0 ? "250 2.1.5 a Ok" : "452 4.2.2 over quota",
        };
        using var scenario = new SmtpScenario(lmtp: true);
        await scenario.DeliverAsync($"inet:127.0.0.1:{server.Port}", recipients: [To("a@x.test"), To("b@x.test"), To("c@x.test")]);
        server.Commands.First().ShouldBe("LHLO client.test");
        scenario.Statuses["a@x.test"].Text.ShouldBe("250 2.1.5 a Ok");
        scenario.Statuses["b@x.test"].Dsn.ShouldBe("5.1.1");
        var c = scenario.Statuses["c@x.test"];
        c.Action.ShouldBe(DeliveryAction.Deferred);
        c.Text.ShouldBe("host 127.0.0.1[127.0.0.1] said: 452 4.2.2 over quota (in reply to end of DATA command)");
        server.Messages.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_connection_lost_between_the_replies_leaves_the_others_to_be_tried_again()
    {
        await using var server = new ScriptedServer { IsLmtp = true, Outcome = i => i == 0 ? "250 2.1.5 Ok" : "421 4.3.2 going" };
        using var scenario = new SmtpScenario(lmtp: true);
        await scenario.DeliverAsync(server.Nexthop, recipients: [To("a@x.test"), To("b@x.test")]);
        scenario.Statuses["a@x.test"].Action.ShouldBe(DeliveryAction.Sent);
        scenario.Statuses["b@x.test"].Action.ShouldBe(DeliveryAction.Deferred);
    }

    [Fact]
    public async Task A_unix_socket_is_a_destination()
    {
        var directory = Directory.CreateTempSubdirectory("mta-lmtp");
        var path = Path.Combine(directory.FullName, "lmtp.sock");
        await using (var server = new ScriptedServer(unixPath: path) { IsLmtp = true })
        {
            using var scenario = new SmtpScenario($"queue_directory = {directory.FullName}", lmtp: true);
            var status = await scenario.DeliverAsync($"unix:{path}");
            status.Action.ShouldBe(DeliveryAction.Sent);
            status.Relay.ShouldBe($"client.test[{path}]");
            (await scenario.DeliverAsync("unix:lmtp.sock")).Action.ShouldBe(DeliveryAction.Sent);
            (await scenario.DeliverAsync("unix:other.sock")).Text.ShouldBe($"connect to client.test[{directory.FullName}/other.sock]: No such file or directory");
        }

        directory.Delete(recursive: true);
    }

    [Theory]
    [InlineData("no", DeliveryAction.Relayed)]
    [InlineData("yes", DeliveryAction.Sent)]
    public async Task Delivery_can_be_taken_for_final(string assume, DeliveryAction action)
    {
        await using var server = new ScriptedServer { IsLmtp = true, Extensions = ["PIPELINING"] };
        using var scenario = new SmtpScenario($"lmtp_assume_final = {assume}", lmtp: true);
        var status = await scenario.DeliverAsync(server.Nexthop, recipients: [To("a@x.test", DsnNotify.Success)]);
        status.Action.ShouldBe(action);
        status.DsnPassedOn.ShouldBeFalse();
    }
}
