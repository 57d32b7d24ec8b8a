using System.Globalization;
using Mta.EndToEnd.Tests.Harness;
using Shouldly;
using Xunit;

namespace Mta.EndToEnd.Tests.Scenarios.Faults;

public sealed class AfterAKillHalfWayThroughVeryManyRecipientsAllAreReached
{
    // One delivery has default_destination_recipient_limit recipients, twenty of them run at once.
    private const string MainCf = FaultTraffic.MainCf + "\nsmtpd_recipient_limit = 200000\nqmgr_message_recipient_limit = 5000\n";

    // What is done is written away within 200 ms; the rest is for a machine that is busy with other tests.
    private static readonly TimeSpan WrittenWithin = TimeSpan.FromSeconds(2);

    // A fifth of them usually, and as many as MTA_FAULT_RECIPIENTS says, by hand.
    private static readonly int Recipients =
        int.TryParse(Environment.GetEnvironmentVariable("MTA_FAULT_RECIPIENTS"), NumberStyles.None, CultureInfo.InvariantCulture, out var asked) ? asked : 20_000;

    [Fact]
    public async Task After_a_kill_half_way_through_one_message_of_very_many_recipients_all_are_reached_and_only_those_in_flight_twice()
    {
        var token = TestContext.Current.CancellationToken;
        await using var sink = new CountingSink(TimeSpan.FromMilliseconds(200));
        await using var cluster = await MtaCluster.StartAsync(2, token, $"{MainCf}relayhost = [127.0.0.1]:{sink.Port}");
        string[] recipients = [.. Enumerable.Range(0, Recipients).Select(i => string.Create(CultureInfo.InvariantCulture, $"r{i}@elsewhere.test"))];
        await using (var client = await cluster.Nodes[0].ConnectAsync(token))
        {
            (await client.SendMailAsync("sender@client.test", recipients, TestMail.Make("many", "x\n"), token)).ShouldStartWith("250 2.0.0 Ok: queued as ");
        }

        await ProgressAsync(() => sink.Copies.Count, Recipients / 2, token);
        var killed = DateTime.UtcNow;
        cluster.Nodes[0].Kill();
        var written = (await cluster.ColumnAsync<string>("SELECT recipient FROM mta.delivery_log", token)).ToHashSet(StringComparer.Ordinal);

        // Nobody else has the message yet: what is at the sink now, and not written, was in flight.
        await Until.TrueAsync(() => sink.Sessions == 0, "the sink has read all that came", token);
        var inFlight = sink.Copies.Where(c => !written.Contains(c.Recipient)).ToList();
        (await cluster.ScalarAsync<bool>("SELECT state = 'live' FROM mta.node WHERE name = 'node0'", token)).ShouldBeTrue("it was taken over already");
        written.Count.ShouldBeLessThan(Recipients, "the kill came too late");
        inFlight.ShouldNotBeEmpty();
        inFlight.Where(c => c.At < killed - WrittenWithin).ShouldBeEmpty();

        await cluster.Nodes[1].WaitForLogAsync("node node0 is silent", token);
        await ProgressAsync(() => sink.Copies.Count, Recipients + inFlight.Count, token);
        await cluster.WaitForEmptyQueueAsync(token);
        var copies = sink.Copies.CountBy(c => c.Recipient).ToList();
        copies.Select(c => c.Key).Order(StringComparer.Ordinal).ShouldBe(recipients.Order(StringComparer.Ordinal));
        copies.ShouldAllBe(c => c.Value <= 2);
        copies.Where(c => c.Value == 2).Select(c => c.Key).Except(inFlight.Select(c => c.Recipient)).ShouldBeEmpty();
        (await cluster.ScalarAsync<string>("SELECT count(*) || ' ' || count(DISTINCT recipient_number) FROM mta.delivery_log", token)).ShouldBe($"{Recipients} {Recipients}");
        TestContext.Current.TestOutputHelper?.WriteLine($"written {written.Count}, in flight {inFlight.Count}, twice {copies.Count(c => c.Value == 2)}");
    }

    /// <summary>Waits for a number as long as it grows.</summary>
    private static async Task ProgressAsync(Func<int> count, int goal, CancellationToken cancellationToken)
    {
        for (var now = count(); now < goal; now = count())
        {
            await Until.TrueAsync(() => count() > now, $"more than {now} of {goal}", cancellationToken);
        }
    }
}
