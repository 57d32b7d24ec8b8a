using Mta.Core.Commands;
using Mta.Core.Config;
using Mta.Core.Queue;
using Mta.Services.Clients;
using Mta.Services.Postlogd;
using Mta.Storage;
using Mta.Storage.Admin;
using Mta.Storage.Connections;

namespace Mta.Tools.Postsuper;

/// <summary>
/// postsuper(1): deletes, holds, releases, requeues and expires mail, over the functions of the schema mta, so that it works on the mail of
/// all nodes. What a node owns is asked of it, and counted: the node logs it when it is done. There are no files whose structure could be
/// checked; -s and -p remove what was left unfinished in maildrop.
/// </summary>
internal static class PostsuperCommand
{
    private const string Tag = "postsuper";
    private const int BatchMessages = 1000;

    private const string Usage =
        "usage: postsuper [-c config_dir] [-d queue_id (delete)] [-e queue_id (expire)] [-f queue_id (expire and/or un-hold)] [-h queue_id (hold)] " +
        "[-H queue_id (un-hold)] [-p (purge temporary files)] [-r queue_id (requeue)] [-s (structure fix)] [-S (redundant structure fix)]" +
        "[-v (verbose)] [queue...]";

    // Those that Postfix has directories for; some hold no messages, here or there.
    private static readonly string[] KnownQueues = ["maildrop", "incoming", "active", "deferred", "hold", "corrupt", "bounce", "defer", "trace", "flush"];

    private static readonly string[] AllQueues = ["hold", "incoming", "active", "deferred"];

    // In the order in which Postfix prints its summary.
    private static readonly Operation[] Operations =
    [
        new("r", "requeue", "requeued", "Requeued", AllQueues),
        new("d", "delete", "removed", "Deleted", AllQueues),
        new("ef", "expire", "expired", "Force-expired", AllQueues),
        new("h", "hold", "placed on hold", "Placed on hold", ["incoming", "active", "deferred"]),
        new("H", "release", "released from hold", "Released from hold", ["hold"]),
    ];

    public static async Task<int> RunAsync(Terminal terminal, string[] arguments, CancellationToken cancellationToken)
    {
        string? directory = null;
        var asked = new List<(char Letter, string Id)>();
        var options = new Getopt(arguments, "c:d:e:f:h:H:pr:sSv");
        while (options.TryRead(out var letter))
        {
            switch (letter)
            {
                case 'c':
                    directory = options.Value;
                    break;
                case 'p' or 's' or 'S' or 'v':
                    break;
                case Getopt.Invalid:
                    terminal.Misused(options);
                    return terminal.Fatal(Usage);
                default:
                    asked.Add((letter, options.Value));
                    break;
            }
        }

        if (await ToolConfiguration.LoadAsync(terminal, directory, cancellationToken).ConfigureAwait(false) is not { } settings)
        {
            return ExitCode.Failure;
        }

        if (!LocalUser.Current.IsPrivileged(settings.Get(Parameters.MailOwner)))
        {
            return terminal.Fatal("use of this command is reserved for the superuser");
        }

        if (options.Operands.FirstOrDefault(q => !KnownQueues.Contains(q, StringComparer.Ordinal)) is { } unknown)
        {
            return terminal.Fatal($"invalid directory name: {unknown}");
        }

        try
        {
            await using var database = await ToolDatabase.OpenAsync(settings, DatabaseRole.Daemon, Tag, cancellationToken).ConfigureAwait(false);
            await using var sink = LogSinks.Open(settings, foreground: false, TimeProvider.System, out _);
            var run = new Run(terminal, new QueueAdministration(database.Source, LocalUser.Current.Name), new MailLog(sink), [.. options.Operands]);
            await run.AllAsync(asked, cancellationToken).ConfigureAwait(false);
            return ExitCode.Ok;
        }
        catch (StorageException e)
        {
            return terminal.Fatal(e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return terminal.Fatal($"open logfile: {e.Message}");
        }
    }

    private sealed record Operation(string Letters, string Action, string Done, string Summary, string[] Queues);

    private sealed class Run(Terminal terminal, QueueAdministration queue, MailLog log, string[] named)
    {
        public async Task AllAsync(List<(char Letter, string Id)> asked, CancellationToken cancellationToken)
        {
            if (asked.Count == 0)
            {
                await queue.PurgeAsync(cancellationToken).ConfigureAwait(false);
                return;
            }

            var expanded = new List<(char Letter, string Id)>();
            foreach (var (letter, id) in asked)
            {
                if (id == "-")
                {
                    expanded.AddRange((await ReadIdsAsync(cancellationToken).ConfigureAwait(false)).Select(line => (letter, line)));
                }
                else
                {
                    expanded.Add((letter, id));
                }
            }

            foreach (var (_, id) in expanded.Where(a => !IsQueueId(a.Id)))
            {
                terminal.Warning($"invalid mail queue id: {id}");
                log.Warning(Tag, $"invalid mail queue id: {id}");
            }

            foreach (var operation in Operations)
            {
                if (asked.Any(a => operation.Letters.Contains(a.Letter, StringComparison.Ordinal)))
                {
                    var count = await OneAsync(operation, expanded, cancellationToken).ConfigureAwait(false);
                    var summary = $"{operation.Summary}: {count} message{(count == 1 ? "" : "s")}";
                    terminal.Error.WriteLine($"{Tag}: {summary}");
                    log.Info(Tag, $"{summary}");
                }
            }
        }

        private async ValueTask<int> OneAsync(Operation operation, List<(char Letter, string Id)> asked, CancellationToken cancellationToken)
        {
            var mine = asked.Where(a => operation.Letters.Contains(a.Letter, StringComparison.Ordinal)).ToArray();
            var all = mine.Any(a => a.Id == "ALL");
            long[]? ids = all ? null : [.. mine.Select(a => QueueId.TryParse(a.Id, out var id) ? id.Value : -1).Where(id => id >= 0).Distinct()];
            var queues = named.Length > 0 ? named : operation.Queues;
            var found = ids is { Length: 0 } ? [] : await queue.FindAsync(ids, queues, cancellationToken).ConfigureAwait(false);
            var released = mine.Where(a => a.Letter == 'f').Select(a => a.Id).ToHashSet(StringComparer.Ordinal);
            var count = 0;
            foreach (var batch in found.Chunk(BatchMessages))
            {
                count += await ApplyAsync(operation.Action, operation.Done, batch, cancellationToken).ConfigureAwait(false);
                var free = released.Contains("ALL") ? batch : [.. batch.Where(id => released.Contains(new QueueId(id).ToString()))];
                if (free.Length > 0)
                {
                    await ApplyAsync("release", "released from hold", free, cancellationToken).ConfigureAwait(false);
                }
            }

            return count;
        }

        private async ValueTask<int> ApplyAsync(string action, string done, long[] batch, CancellationToken cancellationToken)
        {
            var count = 0;
            foreach (var (id, result) in await queue.AdministerAsync(action, batch, cancellationToken).ConfigureAwait(false))
            {
                if (result is "done" or "requested" or "in delivery")
                {
                    count++;
                }

                if (result == "done")
                {
                    log.Info(Tag, $"{new QueueId(id)}: {done}");
                }
            }

            return count;
        }

        private async ValueTask<List<string>> ReadIdsAsync(CancellationToken cancellationToken)
        {
            var ids = new List<string>();
            using var reader = new StreamReader(terminal.Input, leaveOpen: true);
            while (await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
            {
                if (line.Trim() is { Length: > 0 } id)
                {
                    ids.Add(id);
                }
            }

            return ids;
        }

        private static bool IsQueueId(string id) => id.Length > 0 && id.All(char.IsAsciiLetterOrDigit);
    }
}
