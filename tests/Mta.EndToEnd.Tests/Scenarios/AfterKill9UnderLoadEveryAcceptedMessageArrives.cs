using System.Collections.Concurrent;
using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios;

public sealed class AfterKill9UnderLoadEveryAcceptedMessageArrives
{
    private const int Sessions = 10;

    // Enough accepted that some are in every stage when the kill comes.
    private const int AcceptedBeforeKill = 200;

    [Fact]
    public async Task After_kill_9_under_load_every_accepted_message_arrives()
    {
        var token = TestContext.Current.CancellationToken;
        await using var sink = await SmtpSink.StartAsync(token);
        await using var mta = await MtaInstance.StartAsync(token, $"relayhost = [127.0.0.1]:{sink.Port}");
        var accepted = new ConcurrentDictionary<string, bool>();
        using var killed = new CancellationTokenSource();
        var sessions = Enumerable.Range(0, Sessions).Select(s => LoadAsync(mta, s, accepted, killed.Token)).ToArray();
        await Until.TrueAsync(() => accepted.Count >= AcceptedBeforeKill, "the load", token);

        mta.Kill();
        await killed.CancelAsync();
        await Task.WhenAll(sessions);
        (await mta.PostfixAsync("start", token)).Succeeded();

        await mta.WaitForEmptyQueueAsync(token);
        var arrived = sink.Messages().Select(Subject).ToList();
        accepted.Keys.Except(arrived).ShouldBeEmpty();
        // What was in flight may come twice: what the sessions and the connections to the sink had in their hands.
        var duplicates = arrived.Count - arrived.Distinct().Count();
        duplicates.ShouldBeLessThanOrEqualTo(Sessions + 20 + AcceptedInFlight(mta));
    }

    // Sends until the connection breaks; a message counts from its 250 on.
    private static async Task LoadAsync(MtaInstance mta, int session, ConcurrentDictionary<string, bool> accepted, CancellationToken killed)
    {
        try
        {
            await using var client = await mta.ConnectAsync(killed);
            for (var i = 0; ; i++)
            {
                var subject = $"{session}.{i}";
                var reply = await client.SendMailAsync("sender@client.test", ["a@elsewhere.test"], TestMail.Make(subject, new string('x', 1000) + "\n"), killed);
                if (!reply.StartsWith("250 ", StringComparison.Ordinal))
                {
                    return;
                }

                accepted[subject] = true;
            }
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or OperationCanceledException or System.Net.Sockets.SocketException)
        {
            // Cut off: not accepted, as far as we know.
        }
    }

    // Deliveries that the sink took, whose completion was not yet written: those logged as sent but not as removed.
    private static int AcceptedInFlight(MtaInstance mta)
    {
        var log = mta.Log();
        return log.Split("status=sent").Length - log.Split(": removed").Length is > 0 and var open ? open : 0;
    }

    private static string Subject(SinkMessage message) =>
        message.Content.Split('\n').First(l => l.StartsWith("Subject: ", StringComparison.Ordinal))["Subject: ".Length..];
}
