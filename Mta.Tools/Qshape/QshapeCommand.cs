using System.Globalization;
using System.Text;
using Mta.Core.Commands;
using Mta.Core.Showq;
using Mta.Storage;
using Mta.Storage.Connections;
using Mta.Storage.Showq;

namespace Mta.Tools.Qshape;

/// <summary>
/// qshape(1): what waits in the queues, by domain and age. It reads the database and needs its access: root, mail_owner, or a database_url
/// that lets the caller in. As there is one query, -N, which asks for results between, changes nothing.
/// </summary>
internal static class QshapeCommand
{
    private const string Usage =
        "usage: qshape [-s] [-p] [-m min_subdomains] [-b bucket_count] [-t bucket_minutes] [-l] [-w width] [-N count] [-n top_domains] [-c config_dir] [queue_name ...]";

    private const int Failed = 255;
    private const int NarrowestTerminal = 80;
    private const int MostBuckets = 1000;

    public static async Task<int> RunAsync(Terminal terminal, string[] arguments, CancellationToken cancellationToken)
    {
        string? directory = null;
        var (senders, parents, linear) = (false, false, false);
        var (children, buckets, unit, width) = (5, 10, 5, NarrowestTerminal);
        var top = Console.IsOutputRedirected ? 0 : 20;
        var options = new Getopt(arguments, "lhc:psw:b:t:m:n:N:");
        while (options.TryRead(out var letter))
        {
            switch (letter)
            {
                case 's':
                    senders = true;
                    break;
                case 'p':
                    parents = true;
                    break;
                case 'l':
                    linear = true;
                    break;
                case 'c':
                    directory = options.Value;
                    break;
                case 'm':
                    children = Positive(options.Value, children);
                    break;
                case 'b':
                    buckets = Math.Min(Positive(options.Value, buckets), MostBuckets);
                    break;
                case 't':
                    unit = Positive(options.Value, unit);
                    break;
                case 'w':
                    width = Math.Max(Positive(options.Value, width), NarrowestTerminal);
                    break;
                case 'n':
                    // Only a terminal gets the top alone.
                    top = top == 0 ? 0 : Positive(options.Value, 0);
                    break;
                case 'N':
                    break;
                default:
                    return terminal.Fatal(Usage, Failed);
            }
        }

        IReadOnlyList<string> queues = options.Operands.Count > 0 ? [.. options.Operands] : ["incoming", "active"];
        if (queues.FirstOrDefault(q => !QueueShape.Queues.Contains(q, StringComparer.Ordinal)) is { } unknown)
        {
            return terminal.Fatal($"no such queue: {unknown}", Failed);
        }

        if (await ToolConfiguration.LoadAsync(terminal, directory, cancellationToken).ConfigureAwait(false) is not { } settings)
        {
            return Failed;
        }

        try
        {
            await using var database = await ToolDatabase.OpenAsync(settings, DatabaseRole.Daemon, "qshape", cancellationToken).ConfigureAwait(false);
            var table = new QueueShapeTable(buckets, parents);
            foreach (var (domain, bucket, count) in await new QueueShape(database.Source)
                .CountAsync(queues, senders, unit, buckets, linear, cancellationToken).ConfigureAwait(false))
            {
                table.Add(domain, bucket, count);
            }

            await terminal.Output.WriteAsync(Encoding.UTF8.GetBytes(table.Format(children, unit, linear, width, top)), cancellationToken).ConfigureAwait(false);
            return ExitCode.Ok;
        }
        catch (StorageException e)
        {
            return terminal.Fatal(ToolDatabase.Explain(settings, e), Failed);
        }
    }

    private static int Positive(string text, int otherwise) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : otherwise;
}
