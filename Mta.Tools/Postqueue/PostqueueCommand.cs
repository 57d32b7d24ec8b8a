using System.Buffers;
using System.Net.Sockets;
using System.Text;
using Mta.Core.Commands;
using Mta.Core.Config;
using Mta.Core.Queue;
using Mta.Core.Showq;
using Mta.Services.Net;
using Mta.Storage;
using Mta.Storage.Connections;
using Mta.Storage.Showq;

namespace Mta.Tools.Postqueue;

/// <summary>
/// postqueue(1): lists the queue, or makes deferred mail due. It asks the running system, which knows who asks; while that is down, the
/// super-user and mail_owner list the queue from the database. As in Postfix, whatever is wrong ends with EX_UNAVAILABLE.
/// </summary>
internal static class PostqueueCommand
{
    private const string Usage = "usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site";
    private const int Failed = ExitCode.Unavailable;

    public static async Task<int> RunAsync(Terminal terminal, string[] arguments, CancellationToken cancellationToken)
    {
        string? directory = null;
        char action = default;
        var value = "";
        var options = new Getopt(arguments, "c:fi:jps:v");
        while (options.TryRead(out var letter))
        {
            switch (letter)
            {
                case 'c':
                    directory = options.Value;
                    break;
                case 'v':
                    break;
                case Getopt.Invalid:
                    terminal.Misused(options);
                    return terminal.Fatal(Usage, Failed);
                default:
                    if (action != default)
                    {
                        return terminal.Fatal(Usage, Failed);
                    }

                    action = letter;
                    value = options.Value;
                    break;
            }
        }

        if (action == default || options.Operands.Count > 0)
        {
            return terminal.Fatal(Usage, Failed);
        }

        if (await ToolConfiguration.LoadAsync(terminal, directory, cancellationToken).ConfigureAwait(false) is not { } settings)
        {
            return Failed;
        }

        return action switch
        {
            'p' => await ListAsync(terminal, settings, $"text {TimeZoneInfo.Local.Id}", cancellationToken).ConfigureAwait(false),
            'j' => await ListAsync(terminal, settings, "json", cancellationToken).ConfigureAwait(false),
            'f' => await FlushAsync(terminal, settings, "all", cancellationToken).ConfigureAwait(false),
            'i' when !value.All(char.IsAsciiLetterOrDigit) || value.Length == 0 => terminal.Fatal($"Cannot flush queue ID - invalid name: \"{value}\"", Failed),
            'i' when !QueueId.TryParse(value, out _) => ExitCode.Ok,
            'i' => await FlushAsync(terminal, settings, $"id {value}", cancellationToken).ConfigureAwait(false),
            _ when !IsSite(value) => terminal.Fatal($"Cannot flush mail queue - invalid destination: \"{value}\"", Failed),
            _ => await FlushAsync(terminal, settings, $"site {value.ToLowerInvariant()}", cancellationToken).ConfigureAwait(false),
        };
    }

    private static bool IsSite(string site) =>
        site.Length > 0 && site.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '[' or ']' or ':');

    private static async Task<int> ListAsync(Terminal terminal, Settings settings, string request, CancellationToken cancellationToken)
    {
        try
        {
            using var socket = await ConnectAsync(settings, "showq", cancellationToken).ConfigureAwait(false);
            return await AskAsync(terminal, socket, request, cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException e) when (IsDown(e))
        {
            if (!LocalUser.Current.IsPrivileged(settings.Get(Parameters.MailOwner)))
            {
                return terminal.Fatal($"Queue report unavailable - mail system is down (Connect to the Postfix showq service: {Reason(e)})", Failed);
            }

            terminal.Warning($"Mail system is down -- accessing queue directly (Connect to the Postfix showq service: {Reason(e)})");
            return await ListDirectlyAsync(terminal, settings, request, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<int> ListDirectlyAsync(Terminal terminal, Settings settings, string request, CancellationToken cancellationToken)
    {
        try
        {
            await using var database = await ToolDatabase.OpenAsync(settings, DatabaseRole.Daemon, "postqueue", cancellationToken).ConfigureAwait(false);
            var output = new ArrayBufferWriter<byte>(65536);
            IQueueListing listing = request == "json" ? new MailqJson() : new MailqText(TimeZoneInfo.Local);
            await new QueueLister(database.Source).ListAsync(
                listing,
                output,
                async token =>
                {
                    await terminal.Output.WriteAsync(output.WrittenMemory, token).ConfigureAwait(false);
                    output.ResetWrittenCount();
                },
                cancellationToken).ConfigureAwait(false);
            return ExitCode.Ok;
        }
        catch (StorageException e)
        {
            return terminal.Fatal($"Queue report unavailable - {ToolDatabase.Explain(settings, e)}", Failed);
        }
    }

    private static async Task<int> FlushAsync(Terminal terminal, Settings settings, string request, CancellationToken cancellationToken)
    {
        try
        {
            using var socket = await ConnectAsync(settings, "flush", cancellationToken).ConfigureAwait(false);
            return await AskAsync(terminal, socket, request, cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException e) when (IsDown(e))
        {
            terminal.Warning($"connect to public/flush: {Reason(e)}");
            return terminal.Fatal("Cannot flush mail queue - mail system is down", Failed);
        }
    }

    private static Task<Socket> ConnectAsync(Settings settings, string service, CancellationToken cancellationToken) =>
        LocalEndpoint.ConnectAsync(LocalEndpoint.Path(settings.Get(Parameters.QueueDirectory), service), cancellationToken);

    /// <summary>Sends the request and copies the answer after its first line to standard output.</summary>
    private static async Task<int> AskAsync(Terminal terminal, Socket socket, string request, CancellationToken cancellationToken)
    {
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(Encoding.UTF8.GetBytes(request + "\n"), cancellationToken).ConfigureAwait(false);
        using var first = new MemoryStream();
        var one = new byte[1];
        while (await stream.ReadAsync(one, cancellationToken).ConfigureAwait(false) > 0 && one[0] != (byte)'\n')
        {
            first.WriteByte(one[0]);
        }

        var status = Encoding.UTF8.GetString(first.ToArray());
        if (status != LocalAnswer.Ok)
        {
            return terminal.Fatal(status.Length > 0 ? status : "the mail system ended the request", Failed);
        }

        await stream.CopyToAsync(terminal.Output, cancellationToken).ConfigureAwait(false);
        return ExitCode.Ok;
    }

    // ENOENT has no name among the socket errors.
    private static bool IsDown(SocketException e) => e.SocketErrorCode is SocketError.ConnectionRefused or SocketError.AddressNotAvailable || e.NativeErrorCode is 2 or 111;

    private static string Reason(SocketException e) => e.SocketErrorCode == SocketError.ConnectionRefused ? "Connection refused" : "No such file or directory";
}
