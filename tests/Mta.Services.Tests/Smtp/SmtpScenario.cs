using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Mta.Core.Config;
using Mta.Core.Delivery;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Services.Dns;
using Mta.Services.Maps;
using Mta.Services.Net;
using Mta.Services.Smtp;
using Mta.Services.TrivialRewrite;

namespace Mta.Services.Tests.Smtp;

/// <summary>A delivery agent with main.cf lines of a test, and what it reported and logged.</summary>
internal sealed class SmtpScenario : IDeliveryReport, ILogSink, IDisposable
{
    private readonly DeadlineSweeper sweeper = new(TimeProvider.System);
    private readonly Settings settings;
    private readonly TableRegistry tables;

    /// <param name="mainCf">Lines of main.cf.</param>
    public SmtpScenario(string mainCf = "", bool lmtp = false, IDnsResolver? dns = null, OwnEndpoints? own = null)
    {
        var values = new Dictionary<string, string> { ["myhostname"] = "client.test", ["inet_protocols"] = "ipv4", ["compatibility_level"] = "3.10" };
        foreach (var line in mainCf.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            values[line[..equals].Trim()] = line[(equals + 1)..].Trim();
        }

        settings = new Settings(values);
        var log = new MailLog(this);
        tables = new TableRegistry(log, TimeProvider.System);
        var resolver = new AddressResolver(settings, tables, log);
        Agent = new SmtpDeliveryAgent(lmtp, settings, tables, resolver, dns ?? new DnsResolver(settings), own ?? OwnEndpoints.None, sweeper, log);
    }

    public SmtpDeliveryAgent Agent { get; }

    public QueueId QueueId { get; } = new(123456);

    /// <summary>By recipient address.</summary>
    public ConcurrentDictionary<string, DeliveryStatus> Statuses { get; } = [];

    public ConcurrentQueue<DeliveryStatus> DestinationFailures { get; } = [];

    public ConcurrentQueue<string> Log { get; } = [];

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    /// <summary>Delivers to <c>a@x.test</c>, or to the recipients given; returns the outcome of the first.</summary>
    public Task<DeliveryStatus> DeliverAsync(
        string nexthop, string content = "Subject: x\n\nbody\n", EnvelopeFlags flags = EnvelopeFlags.None, params Recipient[] recipients) =>
        DeliverAsync(nexthop, new BytesContent(Encoding.UTF8.GetBytes(content)), flags, recipients);

    public async Task<DeliveryStatus> DeliverAsync(string nexthop, IMessageContent content, EnvelopeFlags flags, params Recipient[] recipients)
    {
        Statuses.Clear();
        DestinationFailures.Clear();
        recipients = recipients.Length == 0 ? [To("a@x.test")] : recipients;
        await Agent.DeliverAsync(Request(nexthop, content, flags, recipients), Token);
        if (Statuses.Count != recipients.Length)
        {
            throw new InvalidOperationException($"{Statuses.Count} recipients of {recipients.Length} were reported");
        }

        return Statuses[recipients[0].Address];
    }

    public DeliveryRequest Request(string nexthop, IMessageContent content, EnvelopeFlags flags, params Recipient[] recipients) => new()
    {
        Envelope = new Envelope { Id = QueueId, Sender = "sender@y.test", Size = content.Length, Flags = flags },
        Content = content,
        Transport = "smtp",
        Nexthop = nexthop,
        Recipients = recipients,
        Settings = settings,
        Reports = this,
        StartTimestamp = TimeProvider.System.GetTimestamp(),
    };

    public static Recipient To(string address, DsnNotify notify = DsnNotify.Default, string? orcpt = null) =>
        new() { Number = 0, Address = address, Notify = notify, OriginalRecipient = orcpt };

    public void Dispose()
    {
        Agent.Dispose();
        sweeper.Dispose();
    }

    void IDeliveryReport.Report(DeliveryRequest request, Recipient recipient, DeliveryStatus status)
    {
        if (!Statuses.TryAdd(recipient.Address, status))
        {
            throw new InvalidOperationException($"{recipient.Address} is reported twice");
        }
    }

    void IDeliveryReport.DestinationFailed(DeliveryRequest request, DeliveryStatus reason) => DestinationFailures.Enqueue(reason);

    void ILogSink.Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text) =>
        Log.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{tag}: {Encoding.UTF8.GetString(text)}"));
}

/// <summary>Content in memory.</summary>
internal sealed class BytesContent(byte[] bytes) : IMessageContent
{
    public long Length => bytes.Length;

    public bool TryGetBytes(out ReadOnlyMemory<byte> content)
    {
        content = bytes;
        return true;
    }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        yield return bytes;
    }
}

/// <summary>Content that comes in pieces, as out of the store; the last piece is null.</summary>
internal sealed class PiecesContent(long length, Func<int, byte[]?> piece) : IMessageContent
{
    public long Length => length;

    public bool TryGetBytes(out ReadOnlyMemory<byte> content)
    {
        content = default;
        return false;
    }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        for (var i = 0; piece(i) is { } next; i++)
        {
            yield return next;
        }
    }
}
