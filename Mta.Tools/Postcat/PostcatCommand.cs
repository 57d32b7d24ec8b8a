using System.Buffers;
using Mta.Core.Commands;
using Mta.Core.Config;
using Mta.Core.Queue;
using Mta.Core.Showq;
using Mta.Storage;
using Mta.Storage.Connections;
using Mta.Storage.Showq;

namespace Mta.Tools.Postcat;

/// <summary>postcat(1): shows messages by their queue ids (-q). There are no queue files, so that it is for those who may read the database.</summary>
internal static class PostcatCommand
{
    private const string Usage =
        "usage: postcat [-b (body text)] [-c config_dir] [-d (decimal record type)] [-e (envelope records)] [-h (header text)] [-q (access queue)] [-v] [file(s)...]";

    public static async Task<int> RunAsync(Terminal terminal, string[] arguments, CancellationToken cancellationToken)
    {
        string? directory = null;
        var parts = PostcatParts.None;
        var decimals = false;
        var byQueueId = false;
        var options = new Getopt(arguments, "bc:defhoqrs:v");
        while (options.TryRead(out var letter))
        {
            switch (letter)
            {
                case 'b':
                    parts |= PostcatParts.Body;
                    break;
                case 'c':
                    directory = options.Value;
                    break;
                case 'd':
                    decimals = true;
                    break;
                case 'e':
                    parts |= PostcatParts.Envelope;
                    break;
                case 'h':
                    parts |= PostcatParts.Header;
                    break;
                case 'q':
                    byQueueId = true;
                    break;
                case 'f' or 'o' or 'r' or 's' or 'v':
                    break;
                default:
                    terminal.Misused(options);
                    return terminal.Fatal(Usage);
            }
        }

        var ids = options.Operands;
        if (ids.Count == 0)
        {
            return byQueueId ? ExitCode.Ok : terminal.Fatal(Usage);
        }

        if (!byQueueId)
        {
            return terminal.Fatal($"open queue file {ids[0]}: mail is kept in the database: use -q with a queue id");
        }

        if (await ToolConfiguration.LoadAsync(terminal, directory, cancellationToken).ConfigureAwait(false) is not { } settings)
        {
            return ExitCode.Failure;
        }

        return await ShowAsync(terminal, settings, ids, parts == PostcatParts.None ? PostcatParts.All : parts, decimals, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<int> ShowAsync(
        Terminal terminal, Settings settings, IReadOnlyList<string> ids, PostcatParts parts, bool decimals, CancellationToken cancellationToken)
    {
        if (ToolDatabase.IsSomebodyElses(settings))
        {
            return terminal.Fatal($"open queue file {ids[0]}: Permission denied");
        }

        try
        {
            await using var database = await ToolDatabase.OpenAsync(settings, DatabaseRole.Daemon, "postcat", cancellationToken).ConfigureAwait(false);
            var reader = new StoredMessageReader(database.Source);
            foreach (var text in ids)
            {
                if (!QueueId.TryParse(text, out var id) || await reader.FindAsync(id, cancellationToken).ConfigureAwait(false) is not { } message)
                {
                    return terminal.Fatal($"open queue file {text}: No such file or directory");
                }

                await ShowAsync(terminal, reader, message, new PostcatText(parts, decimals, TimeZoneInfo.Local), cancellationToken).ConfigureAwait(false);
            }

            return ExitCode.Ok;
        }
        catch (StorageException e)
        {
            return terminal.Fatal(ToolDatabase.IsRefused(settings, e) ? $"open queue file {ids[0]}: Permission denied" : e.Message);
        }
    }

    private static async Task ShowAsync(Terminal terminal, StoredMessageReader reader, StoredMessage message, PostcatText text, CancellationToken cancellationToken)
    {
        var path = $"{message.Queue}/{message.Envelope.Id}";
        var output = new ArrayBufferWriter<byte>(65536);
        text.Begin(path, message.Envelope, await reader.RecipientsAsync(message.Envelope.Id, cancellationToken).ConfigureAwait(false), output);
        await foreach (var piece in reader.ContentAsync(message, cancellationToken).ConfigureAwait(false))
        {
            text.Content(piece, output);
            await FlushAsync().ConfigureAwait(false);
        }

        text.Finish(path, output);
        await FlushAsync().ConfigureAwait(false);

        async Task FlushAsync()
        {
            await terminal.Output.WriteAsync(output.WrittenMemory, cancellationToken).ConfigureAwait(false);
            output.ResetWrittenCount();
        }
    }
}
