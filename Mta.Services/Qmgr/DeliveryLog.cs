using Mta.Core.Addresses;
using Mta.Core.Delivery;
using Mta.Core.Log;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Storage.Queue;

namespace Mta.Services.Qmgr;

/// <summary>Tells the outcome of a recipient: the log line of the delivery agent, and the row of the history.</summary>
internal sealed class DeliveryLog(MailLog log, TimeProvider time)
{
    /// <param name="service">The agent that is responsible, for the log: the transport, or error when no delivery was tried.</param>
    public DeliveryRecord Write(ActiveMessage message, DeliveryRequest? request, string service, Recipient recipient, DeliveryStatus status)
    {
        var now = time.GetTimestamp();
        var start = request is { StartTimestamp: > 0 } ? request.StartTimestamp : now;
        var inQueue = Seconds(message.ActiveTimestamp, start);
        var connection = status.ConnectionSetup.TotalSeconds;
        var transmission = status.Transmission.TotalSeconds;
        var total = message.SecondsBeforeQueue + Seconds(message.ActiveTimestamp, now);
        if (status.ConnectionSetup == TimeSpan.Zero && status.Transmission == TimeSpan.Zero)
        {
            transmission = Seconds(start, now);
        }

        Log(message, request?.LogTag ?? service, recipient, status, total, inQueue, connection, transmission);
        return new DeliveryRecord(
            recipient.Number,
            status.Action,
            recipient.Address,
            recipient.Original,
            service,
            status.Relay,
            status.Dsn,
            status.Text,
            (float)message.SecondsBeforeQueue,
            (float)inQueue,
            (float)connection,
            (float)transmission);
    }

    public static string Word(DeliveryAction action) => action switch
    {
        DeliveryAction.Sent or DeliveryAction.Expanded or DeliveryAction.Relayed => "sent",
        DeliveryAction.Bounced => "bounced",
        _ => "deferred",
    };

    private void Log(
        ActiveMessage message, string service, Recipient recipient, DeliveryStatus status, double total, double inQueue, double connection, double transmission)
    {
        var original = recipient.Original is { } first && !first.Equals(recipient.Address, StringComparison.OrdinalIgnoreCase)
            ? $" orig_to=<{AddressQuoting.ToExternal(first)}>,"
            : "";
        var use = status.ConnectionUse > 1 ? $" conn_use={status.ConnectionUse}," : "";
        var tls = status.Tls is { } level ? $" tls={level}," : "";
        log.Info(
            service,
            $"{message.IdText}: to=<{AddressQuoting.ToExternal(recipient.Address)}>,{original} relay={status.Relay},{use} delay={new LogDelay(total)}, delays={new LogDelay(message.SecondsBeforeQueue)}/{new LogDelay(inQueue)}/{new LogDelay(connection)}/{new LogDelay(transmission)},{tls} dsn={status.Dsn}, status={Word(status.Action)} ({status.Text})");
    }

    private double Seconds(long from, long to) => Math.Max(0, time.GetElapsedTime(from, to).TotalSeconds);
}
