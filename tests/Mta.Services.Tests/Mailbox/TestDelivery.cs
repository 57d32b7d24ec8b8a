using System.Text;
using Mta.Core.Config;
using Mta.Core.Delivery;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Shouldly;

namespace Mta.Services.Tests.Mailbox;

/// <summary>One delivery request: made, given to an agent, and its reports and log lines kept.</summary>
internal sealed class TestDelivery : IDeliveryReport, ILogSink
{
    private readonly List<string> warnings = [];
    private readonly List<(Recipient Recipient, DeliveryStatus Status)> reports = [];

    public TestDelivery() => Log = new MailLog(this);

    public MailLog Log { get; }

    /// <summary>The warnings logged so far.</summary>
    public IReadOnlyList<string> Warnings => warnings;

    public string Sender { get; init; } = "s@example.org";

    public string Transport { get; init; } = "local";

    public string Nexthop { get; init; } = "example.com";

    public IMessageContent Content { get; init; } = new TestContent("Subject: x\n\nhello\n");

    /// <summary>Each recipient with its outcome, as <c>address: dsn action (text)</c>.</summary>
    public async Task<string[]> RunAsync(IDeliveryAgent agent, Settings settings, CancellationToken cancellationToken, params string[] recipients)
    {
        reports.Clear();
        var request = new DeliveryRequest
        {
            Envelope = new Envelope { Id = default, Sender = Sender, EnvelopeId = "env", RecipientCount = recipients.Length },
            Content = Content,
            Transport = Transport,
            Nexthop = Nexthop,
            Recipients = [.. recipients.Select((address, i) => new Recipient { Number = i, Address = address })],
            Settings = settings,
            Reports = this,
        };
        await agent.DeliverAsync(request, cancellationToken);
        reports.Select(r => r.Recipient.Number).ShouldBe(Enumerable.Range(0, recipients.Length));
        return [.. reports.Select(r => $"{r.Recipient.Address}: {r.Status.Dsn} {r.Status.Action} ({r.Status.Text}) relay={r.Status.Relay}")];
    }

    void IDeliveryReport.Report(DeliveryRequest request, Recipient recipient, DeliveryStatus status) => reports.Add((recipient, status));

    void IDeliveryReport.DestinationFailed(DeliveryRequest request, DeliveryStatus reason) =>
        throw new InvalidOperationException("a mailbox is no destination that fails");

    void ILogSink.Write(LogSeverity severity, string tag, ReadOnlySpan<byte> text)
    {
        lock (warnings)
        {
            warnings.Add($"{tag}: {Encoding.UTF8.GetString(text)}");
        }
    }

    /// <summary>Of two values for one name the later one counts, as in main.cf.</summary>
    public static Settings Settings(params (string Name, string Value)[] values) =>
        new(values.Reverse().DistinctBy(v => v.Name).Select(v => KeyValuePair.Create(v.Name, v.Value)));
}
