using System.Text;
using Mta.Storage.Connections;
using Npgsql;

namespace Mta.Storage.History;

/// <summary>Writes rejected SMTP commands into the history, a batch at a time.</summary>
public sealed class RejectStore(DatabasePool source)
{
    private const string Write =
        """
        INSERT INTO mta_store.reject_log (node, queue_id, command, client_name, client_address, helo, sender, recipient, code, dsn, reason, count, warning)
        SELECT $1, r.* FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::smallint[], $10::text[],
               $11::text[], $12::int[], $13::bool[]) r
        """;

    /// <summary>Throws <see cref="StorageException"/>; nothing is written then.</summary>
    public ValueTask<int> WriteAsync(string node, IReadOnlyList<RejectRecord> records, CancellationToken cancellationToken) =>
        StorageErrors.MapAsync(
            async () =>
            {
                await using var command = source.CreateCommand(Write);
                command.Parameters.AddWithValue(node);
                AddTexts(command, records, static r => r.QueueId);
                AddTexts(command, records, static r => r.Command);
                AddTexts(command, records, static r => r.ClientName);
                AddTexts(command, records, static r => r.ClientAddress);
                AddTexts(command, records, static r => r.Helo);
                AddTexts(command, records, static r => r.Sender);
                AddTexts(command, records, static r => r.Recipient);
                command.Parameters.AddWithValue(records.Select(r => (short)r.Code).ToArray());
                AddTexts(command, records, static r => r.Dsn);
                AddTexts(command, records, static r => r.Reason);
                command.Parameters.AddWithValue(records.Select(r => r.Count).ToArray());
                command.Parameters.AddWithValue(records.Select(r => r.IsWarning).ToArray());
                return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            });

    // Text from outside: PostgreSQL takes no NUL, and a lone surrogate does not encode.
    private static void AddTexts(NpgsqlCommand command, IReadOnlyList<RejectRecord> records, Func<RejectRecord, string?> column) =>
        command.Parameters.AddWithValue(records.Select(r => column(r) is { } text ? Clean(text) : null).ToArray());

    private static string Clean(string text) =>
        text.Any(static c => c == '\0' || char.IsSurrogate(c)) ? Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Replace('\0', '?') : text;
}
