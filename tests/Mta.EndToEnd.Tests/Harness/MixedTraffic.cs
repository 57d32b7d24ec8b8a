using Shouldly;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>
/// A mail system that has seen a bit of everything, with figures known beforehand: mail delivered over SMTP and to a mailbox, recipients
/// deferred and bounced by the next hop, reports that came back of it, and commands rejected.
/// </summary>
internal sealed class MixedTraffic : IAsyncDisposable
{
    /// <summary>Messages by SMTP.</summary>
    public const int Received = 10;

    /// <summary>Recipients: three messages of two and two of one at the sink, one in a mailbox here, and the reports.</summary>
    public const int Delivered = 9 + BouncedMessages;

    /// <summary>Messages of which a recipient was deferred.</summary>
    public const int Deferred = 2;

    /// <summary>Attempts that ended in a deferral.</summary>
    public const int Deferrals = 3;

    /// <summary>Recipients.</summary>
    public const int Bounced = 3;

    /// <summary>Commands.</summary>
    public const int Rejected = 4;

    private const int BouncedMessages = 2;
    private const string Local = $"user1@{MtaInstance.VirtualDomain}";

    private readonly SmtpSink[] sinks;

    private MixedTraffic(MtaInstance mta, SmtpSink[] sinks)
    {
        Mta = mta;
        this.sinks = sinks;
    }

    public MtaInstance Mta { get; }

    public static async Task<MixedTraffic> RunAsync(CancellationToken cancellationToken)
    {
        // What takes all, what says 4xx and what says 5xx to RCPT.
        SmtpSink[] sinks =
        [
            await SmtpSink.StartAsync(cancellationToken),
            await SmtpSink.StartAsync(cancellationToken, "-r", "RCPT"),
            await SmtpSink.StartAsync(cancellationToken, "-f", "RCPT"),
        ];
        var mta = await MtaInstance.StartAsync(
            cancellationToken,
            $$"""
            transport_maps = inline:{ { open.test = smtp:[127.0.0.1]:{{sinks[0].Port}} }, { busy.test = smtp:[127.0.0.1]:{{sinks[1].Port}} }, { closed.test = smtp:[127.0.0.1]:{{sinks[2].Port}} } }
            smtpd_sender_restrictions = check_sender_access inline:{ { banned@client.test = REJECT go away } }
            """);
        var traffic = new MixedTraffic(mta, sinks);
        try
        {
            await traffic.SendAsync(cancellationToken);
            return traffic;
        }
        catch
        {
            await traffic.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Mta.DisposeAsync();
        foreach (var sink in sinks)
        {
            await sink.DisposeAsync();
        }
    }

    private async Task SendAsync(CancellationToken cancellationToken)
    {
        await using var client = await Mta.ConnectAsync(cancellationToken);
        string[][] accepted =
        [
            ["a@open.test", "b@open.test"], ["a@open.test", "c@open.test"], ["a@open.test", "d@open.test"], ["a@open.test"], ["e@open.test"],
            [Local],
            ["a@busy.test"], ["b@busy.test", "c@busy.test"],
            ["a@closed.test"], ["b@closed.test", "c@closed.test"],
        ];
        foreach (var recipients in accepted)
        {
            (await client.SendMailAsync(Local, recipients, TestMail.Make("mixed", "x\n"), cancellationToken)).ShouldStartWith("250 ");
        }

        await RefusedAsync(client, Local, [$"nobody@{MtaInstance.VirtualDomain}", "nosuchuser@mta.test"], cancellationToken);
        await RefusedAsync(client, "banned@client.test", ["a@open.test", "b@open.test"], cancellationToken);

        await Mta.WaitForMailsAsync("user1", 1 + BouncedMessages, cancellationToken);
        await Until.TrueAsync(
            async () => await Mta.QueueAsync(cancellationToken) is { Length: Deferred } left && left.All(m => m.QueueName == "deferred"),
            "all is done but what is deferred",
            cancellationToken);
    }

    private static async Task RefusedAsync(SmtpDialogue client, string sender, string[] recipients, CancellationToken cancellationToken)
    {
        await client.ExpectAsync($"MAIL FROM:<{sender}>", "250 ", cancellationToken);
        foreach (var recipient in recipients)
        {
            await client.ExpectAsync($"RCPT TO:<{recipient}>", "5", cancellationToken);
        }

        await client.ExpectAsync("RSET", "250 ", cancellationToken);
    }
}
