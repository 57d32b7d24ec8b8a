using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mta.EndToEnd.Tests.Harness;

/// <summary>One message as <c>postqueue -j</c> shows it.</summary>
internal sealed record QueueEntry(
    [property: JsonPropertyName("queue_name")] string QueueName,
    [property: JsonPropertyName("queue_id")] string QueueId,
    [property: JsonPropertyName("arrival_time")] long ArrivalTime,
    [property: JsonPropertyName("message_size")] long MessageSize,
    [property: JsonPropertyName("sender")] string Sender,
    [property: JsonPropertyName("recipients")] QueueRecipient[] Recipients)
{
    /// <summary>One object a line.</summary>
    public static QueueEntry[] ParseAll(string output) =>
        [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<QueueEntry>(line)!)];
}

internal sealed record QueueRecipient(
    [property: JsonPropertyName("address")] string Address,
    [property: JsonPropertyName("delay_reason")] string? DelayReason);
