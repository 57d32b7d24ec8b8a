namespace Mta.Storage.History;

/// <summary>SMTP commands that were rejected alike: one, or in a flood many of one client.</summary>
/// <param name="QueueId">As in the log line: the queue id, or NOQUEUE.</param>
/// <param name="Reason">The reply without its codes and without what it is about.</param>
/// <param name="Count">How many commands this stands for.</param>
/// <param name="IsWarning">The log has a warning of it, not a line with <c>reject:</c>.</param>
public sealed record RejectRecord(
    string QueueId,
    string Command,
    string ClientName,
    string ClientAddress,
    string? Helo,
    string? Sender,
    string? Recipient,
    int Code,
    string Dsn,
    string Reason,
    int Count,
    bool IsWarning = false);
