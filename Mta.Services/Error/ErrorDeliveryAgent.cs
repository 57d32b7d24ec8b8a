using Mta.Core.Delivery;
using Mta.Services.Clients;

namespace Mta.Services.Error;

/// <summary>
/// error, retry - declare mail undeliverable, or put it off
///
/// The next hop is the reason, with an optional status code of RFC 3463 before it: <c>error:5.7.1 not here</c>. The service named
/// <c>retry</c> defers, any other bounces. A code of the wrong class is ignored, with a warning.
/// </summary>
public sealed class ErrorDeliveryAgent(MailLog log) : IDeliveryAgent
{
    private const string Tag = "error";

    public ValueTask DeliverAsync(DeliveryRequest request, CancellationToken cancellationToken)
    {
        var defers = request.Transport == "retry";
        var (dsn, text) = DsnText.Parse(request.Nexthop);
        if (dsn is not null && dsn[0] != (defers ? '4' : '5'))
        {
            log.Warning(Tag, $"{(defers ? "defer" : "bounce")}_append: ignoring dsn code \"{dsn}\"");
            dsn = null;
        }

        text = text.Length == 0 ? "Address is undeliverable" : text;
        request.ReportAll(defers ? DeliveryStatus.Deferred(dsn ?? "4.0.0", text) : DeliveryStatus.Bounced(dsn ?? "5.0.0", text));
        return ValueTask.CompletedTask;
    }
}
