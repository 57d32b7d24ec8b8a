using Mta.Core.Delivery;
using Mta.Services.Clients;

namespace Mta.Services.Discard;

/// <summary>
/// discard - takes mail and forgets it
///
/// Every recipient counts as delivered. The next hop is the text for the log, with an optional status code of class 2 before it.
/// </summary>
public sealed class DiscardDeliveryAgent(MailLog log) : IDeliveryAgent
{
    private const string Tag = "discard";

    public ValueTask DeliverAsync(DeliveryRequest request, CancellationToken cancellationToken)
    {
        var (dsn, text) = DsnText.Parse(request.Nexthop);
        if (dsn is not null && dsn[0] != '2')
        {
            log.Warning(Tag, $"sent: ignoring dsn code \"{dsn}\"");
            dsn = null;
        }

        request.ReportAll(new DeliveryStatus { Action = DeliveryAction.Sent, Dsn = dsn ?? "2.0.0", Text = text });
        return ValueTask.CompletedTask;
    }
}
