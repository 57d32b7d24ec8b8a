using System.Globalization;
using System.Text;
using Mta.Benchmarks.Scale;
using Npgsql;

namespace Mta.Benchmarks.Tables;

/// <summary>
/// Rows of a virtual and of a transport table, in blocks: smtp-source -N counts its recipients from 0 in each run, so each run gets another
/// name behind the number. Every alias leads to an address in a domain of its own, and every domain has its row.
/// </summary>
internal sealed class TableRows(int rows, int blockSize)
{
    /// <summary>Messages of one run.</summary>
    public int BlockSize => blockSize;

    private int Blocks => Math.Max(1, rows / blockSize);

    /// <summary>What smtp-source puts its number before.</summary>
    public string Recipient(int turn) => string.Create(CultureInfo.InvariantCulture, $"b{turn % Blocks}@example.org");

    public async Task WriteFilesAsync(string directory, int sinkPort, CancellationToken cancellationToken)
    {
        var aliases = new StringBuilder();
        var transports = new StringBuilder();
        var culture = CultureInfo.InvariantCulture;
        for (var block = 0; block < Blocks; block++)
        {
            // One more than there are messages, whether the count begins at 0 or 1.
            for (var n = 0; n <= blockSize; n++)
            {
                aliases.Append(culture, $"{n}b{block}@example.org\tuser{n}@d{n}x{block}.example\n");
                transports.Append(culture, $"d{n}x{block}.example\tsmtp:[127.0.0.1]:{sinkPort}\n");
            }
        }

        await File.WriteAllTextAsync(Path.Combine(directory, "virtual"), aliases.ToString(), cancellationToken).ConfigureAwait(false);
        await File.WriteAllTextAsync(Path.Combine(directory, "transport"), transports.ToString(), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The same rows as plain tables for Postfix's queries, in a schema of the benchmark's own.</summary>
    public async Task FillAsync(QueueDatabase database, int sinkPort, CancellationToken cancellationToken)
    {
        var culture = CultureInfo.InvariantCulture;
        await database.ExecuteAsync(
            "CREATE ROLE bench LOGIN; CREATE SCHEMA bench; CREATE TABLE bench.virtual (k text PRIMARY KEY, v text); CREATE TABLE bench.transport (k text PRIMARY KEY, v text)",
            cancellationToken).ConfigureAwait(false);
        var series = string.Create(culture, $"FROM generate_series(0, {Blocks - 1}) AS b, generate_series(0, {blockSize}) AS n");
        await database.ExecuteAsync($"INSERT INTO bench.virtual SELECT n || 'b' || b || '@example.org', 'user' || n || '@d' || n || 'x' || b || '.example' {series}", cancellationToken).ConfigureAwait(false);
        await database.ExecuteAsync(string.Create(culture, $"INSERT INTO bench.transport SELECT 'd' || n || 'x' || b || '.example', 'smtp:[127.0.0.1]:{sinkPort}' {series}"), cancellationToken).ConfigureAwait(false);
        await database.ExecuteAsync("GRANT CONNECT ON DATABASE mta TO bench; GRANT USAGE ON SCHEMA bench TO bench; GRANT SELECT ON ALL TABLES IN SCHEMA bench TO bench; ANALYZE bench.virtual; ANALYZE bench.transport", cancellationToken).ConfigureAwait(false);

        // The embedded cluster lets in the users of the system that its map names; the mail system of the benchmark is another one.
        var settings = new NpgsqlConnectionStringBuilder(database.Source.ConnectionString);
        var file = Path.Combine(settings.Host!, "data", "pg_hba.conf");
        var rules = await File.ReadAllTextAsync(file, cancellationToken).ConfigureAwait(false);
        await File.WriteAllTextAsync(file, "local all bench trust\n" + rules, cancellationToken).ConfigureAwait(false);
        await database.ExecuteAsync("SELECT pg_reload_conf()", cancellationToken).ConfigureAwait(false);
    }

    public static async Task WriteQueriesAsync(string directory, QueueDatabase database, CancellationToken cancellationToken)
    {
        var settings = new NpgsqlConnectionStringBuilder(database.Source.ConnectionString);
        foreach (var name in new[] { "virtual", "transport" })
        {
            await File.WriteAllTextAsync(
                Path.Combine(directory, name + ".cf"),
                $"hosts = unix:{settings.Host}\nuser = bench\ndbname = {settings.Database}\nquery = SELECT v FROM bench.{name} WHERE k = '%s'\n",
                cancellationToken).ConfigureAwait(false);
        }
    }
}
