using Shouldly;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>
/// A mail system that has seen a bit of everything, with figures known beforehand: mail delivered over SMTP and to a mailbox, recipients
/// deferred and bounced by the next hop, reports that came back of it, a message that expired, commands rejected and content refused.
/// </summary>
internal sealed class MixedTraffic : IAsyncDisposable
{
    /// <summary>Messages by SMTP, and one of sendmail; those whose content is refused were begun.</summary>
    public const int Received = 11 + RefusedContents + 1;

    /// <summary>Recipients: three messages of two and two of one at the sink, one in a mailbox here, and the reports.</summary>
    public const int Delivered = 9 + BouncedMessages;

    /// <summary>Messages of which a recipient was deferred.</summary>
    public const int Deferred = Waiting + 1;

    /// <summary>Attempts that ended in a deferral; the one after which the message expired, too.</summary>
    public const int Deferrals = 3 + 2;

    /// <summary>Recipients: of the next hop, and the one of sendmail's message.</summary>
    public const int Bounced = 3 + 1;

    /// <summary>Commands, and contents that have a reject line: of those too large the log has a warning.</summary>
    public const int Rejected = 5 + RefusedContents - 1 + 1;

    /// <summary>Messages that are in the queue afterwards.</summary>
    public const int Waiting = 2;

    /// <summary>By a rule for a header, one for the body, and for its size.</summary>
    private const int RefusedContents = 3;

    /// <summary>Messages of which the sender hears: by two next hops, of content, of the expired one.</summary>
    private const int BouncedMessages = 4;
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
            header_checks = pcre:{ { /^Subject: forbidden/ REJECT no such subjects } }
            body_checks = pcre:{ { /^forbidden/ REJECT no such lines } }
            message_size_limit = 20000
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

        await RefusedContentsAsync(client, cancellationToken);
        await ExpireAsync(client, cancellationToken);
        await Mta.WaitForMailsAsync("user1", 1 + BouncedMessages, cancellationToken);
        await Until.TrueAsync(
            async () => await Mta.QueueAsync(cancellationToken) is { Length: Waiting } left && left.All(m => m.QueueName == "deferred"),
            "all is done but what is deferred",
            cancellationToken);
    }

    private async Task RefusedContentsAsync(SmtpDialogue client, CancellationToken cancellationToken)
    {
        string[] recipients = ["a@open.test"];
        (await client.SendMailAsync(Local, recipients, TestMail.Make("forbidden", "x\n"), cancellationToken)).ShouldBe("550 5.7.1 no such subjects");
        (await client.SendMailAsync(Local, recipients, TestMail.Make("mixed", "forbidden\n"), cancellationToken)).ShouldBe("550 5.7.1 no such lines");
        var large = string.Concat(Enumerable.Repeat("a line of a large message\n", 1000));
        (await client.SendMailAsync(Local, recipients, TestMail.Make("large", large), cancellationToken)).ShouldBe("552 5.3.4 Error: message file too big");
        await client.ExpectAsync($"MAIL FROM:<{Local}> SIZE=20001", "552 5.3.4 Message size exceeds fixed limit", cancellationToken);
        (await Mta.RunAsync("sendmail", ["-f", Local, "a@open.test"], TestMail.Make("forbidden", "x\n"), cancellationToken)).Succeeded();
    }

    /// <summary>A message that is put off, and once more before it goes back.</summary>
    private async Task ExpireAsync(SmtpDialogue client, CancellationToken cancellationToken)
    {
        (await client.SendMailAsync(Local, ["late@busy.test"], TestMail.Make("late", "x\n"), cancellationToken)).ShouldStartWith("250 ");
        var late = await Until.FoundAsync(
            async () => Array.Find(await Mta.QueueAsync(cancellationToken), m => m.QueueName == "deferred" && m.Recipients[0].Address == "late@busy.test"),
            "the late message is deferred",
            cancellationToken);
        (await Mta.RunAsync("postsuper", ["-e", late.QueueId], null, cancellationToken)).Succeeded();
        (await Mta.RunAsync("postqueue", ["-i", late.QueueId], null, cancellationToken)).Succeeded();
        await Mta.WaitForLogAsync("status=force-expired, returned to sender", cancellationToken);
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
