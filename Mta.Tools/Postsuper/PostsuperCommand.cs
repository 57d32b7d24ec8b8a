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
    private const string All = "ALL";

    /// <summary>Messages of one transaction: others see the first ones, and work on them, while the last ones are still to come.</summary>
    private const int BatchMessages = 25_000;

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
        new("fH", "release", "released from hold", "Released from hold", ["hold"]),
    ];

    // What is asked of all messages comes after what is asked of some, and in this order.
    private const string OrderOfAll = "deHfhr";

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
            return terminal.Fatal(ToolDatabase.Explain(settings, e));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return terminal.Fatal($"open logfile: {e.Message}");
        }
    }

    private sealed record Operation(string Letters, string Action, string Done, string Summary, string[] Queues);

    private sealed class Run(Terminal terminal, QueueAdministration queue, MailLog log, string[] named)
    {
        private readonly Dictionary<Operation, int> counts = [];

        public async Task AllAsync(List<(char Letter, string Id)> asked, CancellationToken cancellationToken)
        {
            if (asked.Count == 0)
            {
                await queue.PurgeAsync(cancellationToken).ConfigureAwait(false);
                return;
            }

            // Ids one after the other, as they were given: those that are to have the same done to them, together.
            var ids = new List<long>();
            for (var i = 0; i < asked.Count; i++)
            {
                await AddAsync(asked[i].Id, ids, cancellationToken).ConfigureAwait(false);
                if (i + 1 == asked.Count || asked[i + 1].Letter != asked[i].Letter)
                {
                    await EachAsync(asked[i].Letter, [.. ids.Distinct()], cancellationToken).ConfigureAwait(false);
                    ids.Clear();
                }
            }

            foreach (var letter in OrderOfAll)
            {
                if (asked.Contains((letter, All)))
                {
                    await EachAsync(letter, null, cancellationToken).ConfigureAwait(false);
                }
            }

            foreach (var operation in Operations)
            {
                if (asked.Any(a => operation.Letters.Contains(a.Letter, StringComparison.Ordinal)))
                {
                    var count = counts.GetValueOrDefault(operation);
                    Say($"{operation.Summary}: {count} message{(count == 1 ? "" : "s")}");
                }
            }
        }

        private async ValueTask AddAsync(string given, List<long> ids, CancellationToken cancellationToken)
        {
            if (given == All)
            {
                return;
            }

            if (given != "-")
            {
                Add(given, ids);
                return;
            }

            using var reader = new StreamReader(terminal.Input, leaveOpen: true);
            while (await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
            {
                Add(line.Trim(), ids);
            }
        }

        private void Add(string text, List<long> ids)
        {
            if (QueueId.TryParse(text, out var id))
            {
                ids.Add(id.Value);
            }
            else if (text.Length == 0 || !text.All(char.IsAsciiLetterOrDigit))
            {
                terminal.Warning($"invalid mail queue id: {text}");
                log.Warning(Tag, $"invalid mail queue id: {text}");
            }
        }

        /// <param name="ids">Null for all messages, of which nothing is said one by one.</param>
        private async ValueTask EachAsync(char letter, long[]? ids, CancellationToken cancellationToken)
        {
            foreach (var operation in Operations)
            {
                if (operation.Letters.Contains(letter, StringComparison.Ordinal) && ids is not { Length: 0 })
                {
                    await ApplyAsync(operation, ids, cancellationToken).ConfigureAwait(false);
                }
            }
        }

        private async ValueTask ApplyAsync(Operation operation, long[]? ids, CancellationToken cancellationToken)
        {
            var queues = named.Length > 0 ? named : operation.Queues;
            var found = await queue.FindAsync(ids, queues, unexpired: operation.Action == "expire", cancellationToken).ConfigureAwait(false);
            if (ids is not null)
            {
                var there = found.ToHashSet();
                found = [.. ids.Where(there.Contains)];
            }

            foreach (var batch in found.Chunk(BatchMessages))
            {
                var results = await queue.AdministerAsync(operation.Action, batch, cancellationToken).ConfigureAwait(false);
                foreach (var id in batch)
                {
                    Count(operation, id, results.GetValueOrDefault(id), sayEach: ids is not null);
                }
            }
        }

        private void Count(Operation operation, long id, string? result, bool sayEach)
        {
            if (result is not ("done" or "requested" or "in delivery"))
            {
                return;
            }

            counts[operation] = counts.GetValueOrDefault(operation) + 1;
            if (sayEach)
            {
                var text = $"{new QueueId(id)}: {operation.Done}";
                terminal.Error.WriteLine($"{Tag}: {text}");

                // The node that owns the message logs it when it is done.
                if (result == "done")
                {
                    log.Info(Tag, $"{text}");
                }
            }
        }

        private void Say(string text)
        {
            terminal.Error.WriteLine($"{Tag}: {text}");
            log.Info(Tag, $"{text}");
        }
    }
}
