using Mta.Storage.Connections;
using Mta.Storage.Nodes;
using Mta.Storage.Queue;
using Npgsql;

namespace Mta.Storage.Shares;

/// <summary>What nodes know together of destinations: shares of their limits, and which are dead. One user at a time.</summary>
public sealed class ShareStore(DatabasePool source)
{
    /// <summary>As long as an attempt takes that finds each of five addresses silent, and some more: who has heard nothing by then never will.</summary>
    private static readonly TimeSpan ProbeTime = TimeSpan.FromSeconds(180);

    private readonly Dictionary<string, DateTime> told = new(StringComparer.Ordinal);
    private DateTime readAt = DateTime.MinValue;

    /// <summary>Tells what the node holds and wants, and hears what it may use. No sum over nodes is ever above the limit by what this grants.</summary>
    /// <param name="known">By how many nodes it divides limits already; 0 when it uses only what is granted.</param>
    public ValueTask<ShareExchangeResult> ExchangeAsync(
        NodeEpoch node, int known, IReadOnlyList<ShareAsk> asks, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(ShareSql.Exchange);
                command.Parameters.AddWithValue(node.Name);
                command.Parameters.AddWithValue(node.Epoch);
                command.Parameters.AddWithValue(known);
                command.Parameters.AddWithValue(asks.Select(a => StoredText.Clean(a.Name)).ToArray());
                command.Parameters.AddWithValue(asks.Select(a => a.Slots).ToArray());
                command.Parameters.AddWithValue(asks.Select(a => a.Held).ToArray());
                command.Parameters.AddWithValue(asks.Select(a => a.Wanted).ToArray());
                command.Parameters.AddWithValue(asks.Select(a => a.Delay).ToArray());
                command.Parameters.AddWithValue(asks.Select(a => a.Wait).ToArray());
                await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                int? nodes = null;
                var answers = new List<ShareAnswer>(asks.Count);
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    if (nodes is null)
                    {
                        nodes = reader.GetInt32(0);
                        continue;
                    }

                    answers.Add(new ShareAnswer(
                        reader.GetString(1), reader.GetInt32(2), reader.GetInt32(3), reader.GetBoolean(4), reader.GetBoolean(5), reader.GetFloat(6)));
                }

                return new ShareExchangeResult(nodes, answers);
            });

    /// <summary>The node delivers no more: others have its shares.</summary>
    public ValueTask<int> LeaveAsync(NodeEpoch node, CancellationToken cancellationToken) =>
        ExecuteAsync(ShareSql.Leave, [node.Name, node.Epoch], cancellationToken);

    /// <summary>How many nodes deliver, and what others have found out about destinations since the last time.</summary>
    public ValueTask<SharedState> ReadAsync(NodeEpoch node, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var batch = source.CreateBatch();
                batch.BatchCommands.Add(new NpgsqlBatchCommand(ShareSql.DeliveringNodes) { Parameters = { new() { Value = node.Name } } });
                batch.BatchCommands.Add(new NpgsqlBatchCommand(ShareSql.News)
                {
                    Parameters = { new() { Value = node.Epoch }, new() { Value = readAt == DateTime.MinValue ? DateTime.UnixEpoch : readAt } },
                });
                await using var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                var nodes = reader.GetInt64(0);
                await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
                var news = new List<DestinationNews>();
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    readAt = reader.GetDateTime(0);
                    if (!reader.IsDBNull(1) && IsNew(reader.GetString(1), reader.GetDateTime(6)))
                    {
                        news.Add(new DestinationNews(
                            reader.GetString(1), reader.IsDBNull(2) ? null : reader.GetString(2), reader.GetDouble(3), reader.GetString(4), reader.GetString(5)));
                    }
                }

                ForgetOld();
                return new SharedState((int)nodes, news);
            });

    /// <summary>Tells the other nodes which destinations are dead, or alive again.</summary>
    public ValueTask<int> PublishAsync(NodeEpoch node, IReadOnlyCollection<DestinationNews> news, CancellationToken cancellationToken) =>
        ExecuteAsync(
            ShareSql.Publish,
            [
                node.Epoch,
                node.Name,
                news.Select(n => StoredText.Clean(n.Name)).ToArray(),
                news.Select(n => n.Destination is { } name ? StoredText.Clean(name) : null).ToArray(),
                news.Select(n => n.Seconds).ToArray(),
                news.Select(n => StoredText.Clean(n.Dsn)).ToArray(),
                news.Select(n => StoredText.Clean(n.Reason)).ToArray(),
            ],
            cancellationToken);

    /// <summary>True when this node is the one to try a destination that was dead; the others wait up to three minutes for what comes of it.</summary>
    public async ValueTask<bool> ProbeAsync(NodeEpoch node, string destination, CancellationToken cancellationToken) =>
        await ExecuteAsync(ShareSql.Probe, [node.Epoch, node.Name, destination, ProbeTime.TotalSeconds], cancellationToken).ConfigureAwait(false) > 0;

    /// <summary>Removes rows that say nothing any more.</summary>
    public ValueTask<int> TidyAsync(CancellationToken cancellationToken) => ExecuteAsync(ShareSql.Tidy, [], cancellationToken);

    private bool IsNew(string name, DateTime changedAt)
    {
        if (told.TryGetValue(name, out var before) && before >= changedAt)
        {
            return false;
        }

        told[name] = changedAt;
        return true;
    }

    /// <summary>What is older than the overlap of two readings is not read again.</summary>
    private void ForgetOld()
    {
        if (told.Count == 0)
        {
            return;
        }

        foreach (var name in told.Where(t => t.Value < readAt - TimeSpan.FromSeconds(10)).Select(t => t.Key).ToArray())
        {
            told.Remove(name);
        }
    }

    private ValueTask<int> ExecuteAsync(string sql, object[] arguments, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(sql);
                foreach (var argument in arguments)
                {
                    command.Parameters.AddWithValue(argument);
                }

                return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            });
}
